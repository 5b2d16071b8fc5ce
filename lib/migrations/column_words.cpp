// Types and values in each engine's words.
#include <slipway/migrations/column_types.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/time.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::migrations {
namespace {

using db::dialect;

constexpr unsigned decimal_digits = 18;  // what decimal<S> holds
constexpr std::uint64_t key_length = 255, longest_varchar = 16'000;

char const* integer_type(column_type const& t) noexcept {
  auto const bits = t.bits + (t.is_unsigned ? 1 : 0);
  return bits <= 16 ? "smallint" : bits <= 32 ? "integer" : "bigint";
}

std::string postgres_type(column_type const& t) {
  switch (t.family) {
    case family::boolean: return "boolean";
    case family::integer: return integer_type(t);
    case family::real: return t.bits == 32 ? "real" : "double precision";
    case family::text: return "text";
    case family::uuid: return "uuid";
    case family::time: return "timestamptz";
    case family::date: return "date";
    case family::decimal: return fmt::format("numeric({}, {})", decimal_digits, t.scale);
    case family::bytes: return "bytea";
    case family::json: return "jsonb";
    case family::array: return postgres_type({.family = t.element, .bits = t.bits, .scale = t.scale}) + "[]";
    case family::other: break;
  }
  return "text";
}

std::string mysql_type(column_type const& t, bool is_key) {
  switch (t.family) {
    case family::boolean: return "boolean";
    case family::integer: return integer_type(t);
    case family::real: return t.bits == 32 ? "float" : "double";
    case family::text:
      if (t.size > 0 && t.size <= longest_varchar) return fmt::format("varchar({})", t.size);
      return is_key ? fmt::format("varchar({})", key_length) : "longtext";
    case family::uuid: return "binary(16)";
    case family::time: return "datetime(6)";
    case family::date: return "date";
    case family::decimal: return fmt::format("decimal({}, {})", decimal_digits, t.scale);
    case family::bytes: return "longblob";
    case family::json:
    case family::array: return "json";
    case family::other: break;
  }
  return "longtext";
}

char const* sqlite_type(family f) noexcept {
  switch (stored_on_sqlite(f)) {
    case family::integer: return "INTEGER";
    case family::real: return "REAL";
    case family::bytes: return "BLOB";
    default: return "TEXT";
  }
}

std::string text_literal(std::string_view text) {
  std::string out = "'";
  for (char const c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string octets_literal(std::string_view octets, dialect d) {
  auto const digits = hex(as_byte_span(octets));
  return d == dialect::postgres ? "'\\x" + digits + "'" : "x'" + digits + "'";
}

std::string time_literal(std::int64_t microseconds, dialect d) {
  if (d == dialect::sqlite) return std::to_string(microseconds);
  auto text = to_rfc3339(time_point{std::chrono::microseconds{microseconds}});
  text.pop_back();
  std::ranges::replace(text, 'T', ' ');
  return "'" + text + (d == dialect::postgres ? "+00'" : "'");
}

// MySQL takes a default of these types in parentheses alone.
std::string as_default(std::string text, column_type const& t, dialect d) {
  auto const large = t.family == family::json || t.family == family::array || t.family == family::bytes ||
                     (t.family == family::text && (t.size == 0 || t.size > longest_varchar));
  return d == dialect::mysql && large ? "(" + text + ")" : text;
}

}  // namespace

family stored_on_sqlite(family f) noexcept {
  switch (f) {
    case family::boolean:
    case family::integer:
    case family::time:
    case family::decimal: return family::integer;
    case family::real: return family::real;
    case family::text:
    case family::date:
    case family::json:
    case family::array: return family::text;
    case family::uuid:
    case family::bytes: return family::bytes;
    case family::other: break;
  }
  return family::other;
}

std::string sql_type(column_type const& t, dialect d, bool is_key) {
  switch (d) {
    case dialect::sqlite: return sqlite_type(t.family);
    case dialect::postgres: return postgres_type(t);
    case dialect::mysql: return mysql_type(t, is_key);
  }
  return {};
}

std::string literal(db::value const& v, column_type const& t, dialect d) {
  if (v.is_null()) return "NULL";
  if (t.family == family::array && d == dialect::postgres) return "'{}'";
  if (t.family == family::bytes && v.kind() != db::value_kind::bytes) return as_default(octets_literal({}, d), t, d);
  switch (v.kind()) {
    case db::value_kind::boolean:
      return d == dialect::sqlite ? (v.boolean() ? "1" : "0") : (v.boolean() ? "true" : "false");
    case db::value_kind::integer: return std::to_string(v.integer());
    case db::value_kind::number: return fmt::format("{}", v.number());
    case db::value_kind::decimal: return d == dialect::sqlite ? std::to_string(v.integer()) : v.text();
    case db::value_kind::time: return time_literal(v.integer(), d);
    case db::value_kind::uuid: {
      std::string_view const octets{reinterpret_cast<char const*>(&v.id()), 16};
      return d == dialect::postgres ? text_literal(v.id().text()) : octets_literal(octets, d);
    }
    case db::value_kind::bytes: return as_default(octets_literal(v.text(), d), t, d);
    case db::value_kind::text:
    case db::value_kind::json: return as_default(text_literal(v.text()), t, d);
    case db::value_kind::date: return text_literal(v.text());
    case db::value_kind::none: break;
  }
  return "NULL";
}

std::string empty_literal(column_type const& t, dialect d) {
  switch (t.family) {
    case family::boolean: return literal(false, t, d);
    case family::integer:
    case family::real:
    case family::decimal: return "0";
    case family::text: return literal("", t, d);
    case family::uuid: return literal(uuid{}, t, d);
    case family::time: return literal(time_point{}, t, d);
    case family::date: return "'1970-01-01'";
    case family::bytes: return literal(db::bytes{}, t, d);
    case family::json: return literal(db::json_text{"null"}, t, d);
    case family::array: return d == dialect::postgres ? "'{}'" : literal(db::json_text{"[]"}, t, d);
    case family::other: break;
  }
  return "''";
}

std::string in_quotes(std::string_view name) {
  auto const dot = name.find('.');
  if (dot != std::string_view::npos) return in_quotes(name.substr(0, dot)) + "." + in_quotes(name.substr(dot + 1));
  std::string out = "\"";
  for (char const c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace slipway::migrations
