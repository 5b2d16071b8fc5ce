#include <slipway/migrations/column_types.hpp>

#include <slipway/core/ascii.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace slipway::migrations {
namespace {

using db::dialect;

constexpr unsigned decimal_digits = 18;  // what decimal<S> holds, and a numeric without digits at least

family family_of(meta::type const& type) noexcept {
  switch (db::kind_of(type)) {
    case db::value_kind::boolean: return family::boolean;
    case db::value_kind::integer: return family::integer;
    case db::value_kind::number: return family::real;
    case db::value_kind::text: return family::text;
    case db::value_kind::bytes: return family::bytes;
    case db::value_kind::uuid: return family::uuid;
    case db::value_kind::time: return family::time;
    case db::value_kind::json: return family::json;
    case db::value_kind::decimal: return family::decimal;
    case db::value_kind::date: return family::date;
    case db::value_kind::none: break;
  }
  return family::other;
}

// What PostgreSQL's arrays are written as; others are texts.
family array_element(meta::type const& type) noexcept {
  auto const f = family_of(type);
  auto const is_own =
      f == family::boolean || f == family::integer || f == family::real || f == family::uuid || f == family::time;
  return is_own ? f : family::text;
}

bool has_no_sign(meta::type const& type) noexcept { return type.what == meta::kind::integer && !type.is_signed; }

// Of an unsigned 64-bit number, what fits a signed one can be stored.
unsigned bits_of(meta::type const& type) noexcept {
  if (type.what == meta::kind::duration) return 64;
  auto const bits = type.size * 8;
  return has_no_sign(type) && bits == 64 ? 63 : bits;
}

// What a column that knows negative numbers as well has to have.
unsigned signed_bits(column_type const& t) noexcept {
  return t.bits + (t.is_unsigned && t.family != family::real && t.family != family::decimal ? 1 : 0);
}

std::uint64_t longest_name(meta::type const& enumeration) noexcept {
  std::uint64_t longest = 0;
  for (auto const& e : enumeration.enumerators) longest = std::max<std::uint64_t>(longest, e.name.size());
  return longest;
}

// "character varying(200)[]" as its words, its numbers and what follows them.
struct spelling {
  std::string words, rest;
  std::array<std::uint64_t, 2> numbers{};
  bool has_number = false;
};

spelling spell(std::string_view native) {
  spelling out;
  auto const text = ascii_lowered(native);
  auto const open = text.find('(');
  auto const close = text.find(')', open);
  if (open == std::string::npos || close == std::string::npos) {
    auto const bracket = text.find('[');
    out.words = text.substr(0, bracket);
    if (bracket != std::string::npos) out.rest = text.substr(bracket);
    return out;
  }
  out.words = text.substr(0, open);
  out.rest = text.substr(close + 1);
  auto const* at = text.data() + open + 1;
  auto const* const end = text.data() + close;
  for (auto& number : out.numbers) {
    auto const [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) break;
    out.has_number = true;
    at = std::min(next + 1, end);
  }
  while (out.words.ends_with(' ')) out.words.pop_back();
  // "timestamp(3) with time zone"
  if (out.rest.starts_with(" with")) out.words += out.rest;
  return out;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) noexcept {
  return std::ranges::find(words, word) != words.end();
}

column_type read_postgres(spelling const& s) {
  if (s.rest.ends_with("[]")) {
    auto const element =
        read_postgres({.words = s.words, .rest = {}, .numbers = s.numbers, .has_number = s.has_number});
    return {.family = family::array, .bits = element.bits, .scale = element.scale, .element = element.family};
  }
  if (s.words == "boolean") return {.family = family::boolean};
  if (s.words == "smallint") return {.family = family::integer, .bits = 16};
  if (s.words == "integer") return {.family = family::integer, .bits = 32};
  if (s.words == "bigint") return {.family = family::integer, .bits = 64};
  if (s.words == "real") return {.family = family::real, .bits = 32};
  if (s.words == "double precision") return {.family = family::real, .bits = 64};
  if (is_one_of(s.words, {"text", "character varying", "character", "citext", "name"}))
    return {.family = family::text, .size = s.numbers[0]};
  if (s.words == "uuid") return {.family = family::uuid};
  if (s.words == "timestamp with time zone")
    return {.family = family::time, .scale = s.has_number ? static_cast<unsigned>(s.numbers[0]) : 6};
  if (s.words == "date") return {.family = family::date};
  // Without digits a numeric holds any.
  if (s.words == "numeric")
    return {.family = family::decimal, .scale = s.has_number ? static_cast<unsigned>(s.numbers[1]) : decimal_digits};
  if (s.words == "bytea") return {.family = family::bytes};
  if (is_one_of(s.words, {"jsonb", "json"})) return {.family = family::json};
  return {};
}

column_type read_mysql(spelling const& s) {
  auto const is_unsigned =
      s.rest.find("unsigned") != std::string::npos || s.words.find(" unsigned") != std::string::npos;
  auto const word = s.words.substr(0, s.words.find(' '));
  auto const integer = [&](unsigned bits) {
    return column_type{.family = family::integer, .bits = bits, .is_unsigned = is_unsigned};
  };
  if (word == "tinyint")
    return s.numbers[0] == 1 && !is_unsigned ? column_type{.family = family::boolean, .bits = 8} : integer(8);
  if (word == "smallint") return integer(16);
  if (word == "mediumint") return integer(24);
  if (is_one_of(word, {"int", "integer"})) return integer(32);
  if (word == "bigint") return integer(64);
  if (word == "float") return {.family = family::real, .bits = 32, .is_unsigned = is_unsigned};
  if (word == "double") return {.family = family::real, .bits = 64, .is_unsigned = is_unsigned};
  if (is_one_of(word, {"varchar", "char"})) return {.family = family::text, .size = s.numbers[0]};
  if (word == "tinytext") return {.family = family::text, .size = 255};
  if (word == "text") return {.family = family::text, .size = 65'535};
  if (word == "mediumtext") return {.family = family::text, .size = 16'777'215};
  if (is_one_of(word, {"longtext", "enum"})) return {.family = family::text};
  if (word == "json") return {.family = family::json};
  if (word == "uuid" || (word == "binary" && s.numbers[0] == 16)) return {.family = family::uuid};
  if (is_one_of(word, {"binary", "varbinary"})) return {.family = family::bytes, .size = s.numbers[0]};
  if (word == "tinyblob") return {.family = family::bytes, .size = 255};
  if (word == "blob") return {.family = family::bytes, .size = 65'535};
  if (word == "mediumblob") return {.family = family::bytes, .size = 16'777'215};
  if (word == "longblob") return {.family = family::bytes};
  if (word == "datetime") return {.family = family::time, .scale = static_cast<unsigned>(s.numbers[0])};
  if (word == "date") return {.family = family::date};
  if (word == "decimal")
    return {.family = family::decimal, .is_unsigned = is_unsigned, .scale = static_cast<unsigned>(s.numbers[1])};
  return {};
}

// By affinity: https://www.sqlite.org/datatype3.html, section 3.1; `other` is NUMERIC.
column_type read_sqlite(std::string const& words) {
  auto const has = [&](std::string_view part) { return words.find(part) != std::string::npos; };
  if (has("int")) return {.family = family::integer, .bits = 64};
  if (has("char") || has("clob") || has("text")) return {.family = family::text};
  if (has("blob") || words.empty() || words == "any") return {.family = family::bytes};
  if (has("real") || has("floa") || has("double")) return {.family = family::real, .bits = 64};
  return {};
}

bool can_hold_on_sqlite(std::string_view native, family wanted) {
  auto const words = ascii_lowered(native);
  if (words == "any") return true;
  auto const there = read_sqlite(words).family;
  auto const stored = stored_on_sqlite(wanted);
  // NUMERIC keeps numbers as they are.
  if (there == family::other) return stored == family::integer || stored == family::real;
  return there == stored;
}

}  // namespace

bool is_optional(db::table_info const& table, std::uint8_t member) noexcept {
  return table.row->members[member].of->what == meta::kind::optional;
}

bool is_in_a_key(db::table_info const& table, std::uint8_t member) noexcept {
  return member == table.key ||
         std::ranges::any_of(table.indexes(), [member](db::index_rule const& each) { return each.has(member); });
}

column_type wanted_type(db::table_info const& table, std::uint8_t member) {
  auto const& about = table.row->members[member];
  auto const* type = about.of;
  while (type->what == meta::kind::optional) type = type->element;
  if ((table.encrypted >> member & 1) != 0) return {.family = family::bytes};
  column_type out{.family = family_of(*type)};
  if (out.family == family::integer || out.family == family::real) out.bits = bits_of(*type);
  out.is_unsigned = out.family == family::integer && has_no_sign(*type);
  if (out.family == family::decimal) out.scale = type->as_scalar->scale;
  if (out.family == family::time) out.scale = 6;
  if (type->what == meta::kind::enumeration) {
    out.size = std::max<std::uint64_t>(longest_name(*type), 20);
  } else if (out.family == family::text) {
    for (auto const& r : about.about->rules())
      if (r.what == meta::rule_kind::max_length) out.size = static_cast<std::uint64_t>(r.number);
  }
  if ((table.arrays >> member & 1) != 0 && type->element != nullptr) {
    out.family = family::array;
    out.element = array_element(*type->element);
    column_type const element{.family = out.element,
                              .bits = bits_of(*type->element),
                              .is_unsigned = out.element == family::integer && has_no_sign(*type->element)};
    out.bits = out.element == family::integer || out.element == family::real ? signed_bits(element) : 0;
    out.is_unsigned = false;
  }
  return out;
}

column_type read_type(std::string_view native, dialect d) {
  switch (d) {
    case dialect::sqlite: return read_sqlite(ascii_lowered(native));
    case dialect::postgres: return read_postgres(spell(native));
    case dialect::mysql: return read_mysql(spell(native));
  }
  return {};
}

bool can_hold(std::string_view native, column_type const& wanted, dialect d) {
  if (d == dialect::sqlite) return can_hold_on_sqlite(native, wanted.family);
  auto const there = read_type(native, d);
  auto const on_mysql = d == dialect::mysql;
  switch (wanted.family) {
    case family::boolean: return there.family == family::boolean || (on_mysql && there.family == family::integer);
    case family::integer:
      if (there.is_unsigned) return there.family == family::integer && wanted.is_unsigned && there.bits >= wanted.bits;
      return (there.family == family::integer || (on_mysql && there.family == family::boolean)) &&
             there.bits >= signed_bits(wanted);
    case family::real: return there.family == family::real && !there.is_unsigned && there.bits >= wanted.bits;
    case family::text: return there.family == family::text && (there.size == 0 || there.size >= wanted.size);
    case family::bytes: return there.family == family::bytes || (on_mysql && there.family == family::uuid);
    case family::decimal:
    case family::time: return there.family == wanted.family && !there.is_unsigned && there.scale >= wanted.scale;
    // MariaDB's json is a longtext with a check.
    case family::json: return there.family == family::json || (on_mysql && there.family == family::text);
    case family::array:
      if (on_mysql) return there.family == family::json || there.family == family::text;
      return there.family == family::array && there.element == wanted.element && there.bits >= wanted.bits;
    case family::uuid:
    case family::date: return there.family == wanted.family;
    case family::other: break;
  }
  return false;
}

bool widens(std::string_view native, column_type const& wanted, dialect d) {
  auto const there = read_type(native, d);
  if (d == dialect::sqlite) return there.family == stored_on_sqlite(wanted.family);
  return there.family == wanted.family && there.element == wanted.element &&
         signed_bits(there) <= signed_bits(wanted) && there.scale <= wanted.scale;
}

}  // namespace slipway::migrations
