#include <slipway/db/postgres_wire.hpp>

#include <slipway/core/decimal.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/db/no_room.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace slipway::db::detail {
namespace {

// The numbers of the built-in types in pg_type_id.
enum type_number : pg_type_id {
  boolean = 16,
  bytea = 17,
  single_char = 18,
  name = 19,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  oid = 26,
  json = 114,
  float4 = 700,
  float8 = 701,
  unknown = 705,
  bpchar = 1042,
  varchar = 1043,
  date = 1082,
  timestamp = 1114,
  timestamptz = 1184,
  interval = 1186,
  numeric = 1700,
  void_type = 2278,
  uuid_type = 2950,
  jsonb = 3802,
  first_of_users = 16384
};

// PostgreSQL counts from 2000-01-01.
constexpr std::int64_t epoch_offset = 946'684'800'000'000;

template <class T>
T load(char const* from) noexcept {
  std::make_unsigned_t<T> out;
  std::memcpy(&out, from, sizeof out);
  if constexpr (sizeof out == 8) return static_cast<T>(__builtin_bswap64(out));
  if constexpr (sizeof out == 4) return static_cast<T>(__builtin_bswap32(out));
  return static_cast<T>(__builtin_bswap16(out));
}

void store64(char* to, std::uint64_t number) noexcept {
  number = __builtin_bswap64(number);
  std::memcpy(to, &number, 8);
}

cell read_number(double number) noexcept {
  cell c;
  c.kind = value_kind::number;
  c.number = number;
  return c;
}
cell read_integer(value_kind kind, std::int64_t number) noexcept {
  cell c;
  c.kind = kind;
  c.integer = number;
  return c;
}
cell read_text(value_kind kind, char const* at, int length) noexcept {
  cell c;
  c.kind = kind;
  c.text = {at, static_cast<std::size_t>(length)};
  return c;
}

cell read_time(std::int64_t since_2000) {
  // Infinity is the end of our own scale, which ends some thirty years before PostgreSQL's.
  if (since_2000 == std::numeric_limits<std::int64_t>::max() || since_2000 == std::numeric_limits<std::int64_t>::min())
    return read_integer(value_kind::time, since_2000);
  std::int64_t since_1970 = 0;
  if (__builtin_add_overflow(since_2000, epoch_offset, &since_1970))
    throw value_error{"PostgreSQL sent a time after the year 294246"};
  return read_integer(value_kind::time, since_1970);
}

cell read_date(std::string_view column, std::int32_t days_since_2000) {
  std::int64_t since_2000 = 0;
  if (__builtin_mul_overflow(std::int64_t{days_since_2000}, std::int64_t{86'400'000'000}, &since_2000))
    throw value_error{"the column " + std::string{column} + " has a date that is infinite or after the year 294246"};
  return read_time(since_2000);
}

// As durations are everywhere else: in milliseconds, of which a day has 86,400,000 and a month no fixed number.
cell read_interval(std::string_view column, char const* at, int length) {
  if (length != 16) throw value_error{"PostgreSQL sent a broken interval"};
  auto const microseconds = load<std::int64_t>(at);
  auto const days = load<std::int32_t>(at + 8), months = load<std::int32_t>(at + 12);
  if (months != 0)
    throw value_error{"the column " + std::string{column} +
                      " has an interval with months, which are not all of one length: take extract(epoch from ...) of "
                      "it, or cast it to text"};
  return read_integer(value_kind::integer, std::int64_t{days} * 86'400'000 + microseconds / 1000);
}

// The number in its smallest units, if 64 bits can hold them: the groups from the first down to the one that holds
// the last digit after the point, which may have some digits more.
std::optional<cell> read_decimal(char const* groups, int count, int weight, unsigned scale, bool negative) {
  if (scale > 18) return {};
  auto const last = -(static_cast<int>(scale) + 3) / 4;  // weight of the last group that is needed
  std::int64_t units = 0;
  for (auto w = weight; w >= last; --w) {
    auto const i = weight - w;
    auto const surplus = w == last ? slipway::detail::power_of_ten(static_cast<unsigned>(-last * 4) - scale) : 1;
    auto const group = std::int64_t{i < count ? load<std::int16_t>(groups + 2 * i) : std::int16_t{0}} / surplus;
    if (__builtin_mul_overflow(units, 10'000 / surplus, &units) || __builtin_add_overflow(units, group, &units))
      return {};
  }
  auto out = read_integer(value_kind::decimal, negative ? -units : units);
  out.scale = static_cast<std::uint8_t>(scale);
  return out;
}

// Digits in base 10,000; sums of bigint have this type.
cell read_numeric(char const* at, int length) {
  if (length < 8) throw value_error{"PostgreSQL sent a broken numeric"};
  auto const digits = load<std::int16_t>(at), weight = load<std::int16_t>(at + 2);
  auto const sign = load<std::uint16_t>(at + 4);
  auto const scale = load<std::uint16_t>(at + 6);
  if (sign != 0 && sign != 0x4000)
    return read_number(sign == 0xf000   ? -std::numeric_limits<double>::infinity()
                       : sign == 0xd000 ? std::numeric_limits<double>::infinity()
                                        : std::numeric_limits<double>::quiet_NaN());
  if (length < 8 + 2 * digits) throw value_error{"PostgreSQL sent a broken numeric"};
  if (auto const exact = read_decimal(at + 8, digits, weight, scale, sign == 0x4000)) return *exact;
  double number = 0;
  for (int i = 0; i < digits; ++i) number += load<std::int16_t>(at + 8 + 2 * i) * std::pow(10'000.0, weight - i);
  return read_number(sign == 0x4000 ? -number : number);
}

// The types that are not the everyday ones.
cell read_rarer(PGresult const* from, int column, pg_type_id type, char const* at, int length) {
  switch (type) {
    case int2: return read_integer(value_kind::integer, load<std::int16_t>(at));
    case oid: return read_integer(value_kind::integer, load<std::uint32_t>(at));
    case boolean: return read_integer(value_kind::boolean, *at != 0 ? 1 : 0);
    case varchar:
    case bpchar:
    case name:
    case single_char:
    case unknown: return read_text(value_kind::text, at, length);
    case timestamp: return read_time(load<std::int64_t>(at));
    case date: return read_date(PQfname(from, column), load<std::int32_t>(at));
    case float8: {
      auto const bits = load<std::uint64_t>(at);
      double number;
      std::memcpy(&number, &bits, 8);
      return read_number(number);
    }
    case float4: {
      auto const bits = load<std::uint32_t>(at);
      float number;
      std::memcpy(&number, &bits, 4);
      return read_number(static_cast<double>(number));
    }
    case json: return read_text(value_kind::json, at, length);
    case jsonb: return read_text(value_kind::json, at + 1, length - 1);  // after the version of the form
    case bytea: return read_text(value_kind::bytes, at, length);
    case numeric: return read_numeric(at, length);
    case interval: return read_interval(PQfname(from, column), at, length);
    case void_type: return {};
    default:
      if (type >= first_of_users) return read_text(value_kind::text, at, length);  // enumerations, citext
      throw value_error{"the column " + std::string{PQfname(from, column)} + " has a type that is not read (" +
                        std::to_string(type) + "): cast it in the statement, for example to text"};
  }
}

cell read(PGresult const* from, std::size_t row, std::size_t column) {
  auto const r = static_cast<int>(row), c = static_cast<int>(column);
  auto const length = PQgetlength(from, r, c);
  if (length == 0 && PQgetisnull(from, r, c) != 0) return {};
  auto const* at = PQgetvalue(from, r, c);
  auto const type = PQftype(from, c);
  if (type == int4) return read_integer(value_kind::integer, load<std::int32_t>(at));
  if (type == int8) return read_integer(value_kind::integer, load<std::int64_t>(at));
  if (type == text) return read_text(value_kind::text, at, length);
  if (type == timestamptz) return read_time(load<std::int64_t>(at));
  if (type == uuid_type) {
    cell out;
    out.kind = value_kind::uuid;
    out.uuid = reinterpret_cast<std::uint8_t const*>(at);
    return out;
  }
  return read_rarer(from, c, type, at, length);
}

PGresult* as_result(void* answer) noexcept { return static_cast<PGresult*>(answer); }

constexpr row_operations operations{
    .size = [](void* a) noexcept { return static_cast<std::size_t>(PQntuples(as_result(a))); },
    .columns = [](void* a) noexcept { return static_cast<std::size_t>(PQnfields(as_result(a))); },
    .at = [](void* a, std::size_t row, std::size_t column) { return read(as_result(a), row, column); },
    .name = [](void* a, std::size_t column) noexcept -> std::string_view {
      return PQfname(as_result(a), static_cast<int>(column));
    },
    .affected = [](void* a) noexcept -> std::int64_t {
      if (std::string_view{PQcmdStatus(as_result(a))}.starts_with("SELECT")) return 0;
      return std::atoll(PQcmdTuples(as_result(a)));
    },
    .release = [](void* a) noexcept { PQclear(as_result(a)); },
};

std::string field(PGresult const* result, int which) {
  auto const* text = PQresultErrorField(result, which);
  return text != nullptr ? text : "";
}

// "owner_id,title" from "Key (owner_id, title)=(...) already exists.", in any language; empty for an index over
// expressions.
std::string columns_in(std::string_view detail) {
  auto const end = detail.find(")=(");
  auto const begin = detail.find('(');
  if (end == std::string_view::npos || begin == std::string_view::npos || begin > end) return {};
  std::string out;
  for (char const c : detail.substr(begin + 1, end - begin - 1)) {
    if (c == '(' || c == ')' || c == ':') return {};
    if (c != ' ' && c != '"') out += c;
  }
  return out;
}

// "notes.owner_id,notes.title"; without columns the constraint's name.
std::string key_name(violated_names const& names) {
  if (names.columns.empty()) return names.constraint;
  auto out = names.table + ".";
  for (char const c : names.columns) {
    out += c;
    if (c == ',') out += names.table + ".";
  }
  return out;
}

// notes.owner_id from the constraint notes_owner_id_fkey, which is how PostgreSQL names them by itself; else its name.
// The detail names these columns only when the row that leads nowhere was written, not when its goal is removed.
std::string foreign_key_name(violated_names const& names) {
  auto const& [kind, schema, table, name, listed] = names;
  constexpr std::string_view end = "_fkey";
  if (!name.starts_with(table + "_") || !name.ends_with(end) || name.size() <= table.size() + 1 + end.size())
    return name;
  auto const columns = name.substr(table.size() + 1, name.size() - table.size() - 1 - end.size());
  // Several columns are joined by an underscore there, which the detail tells from one column's own.
  auto joined = listed;
  std::ranges::replace(joined, ',', '_');
  return joined == columns ? key_name(names) : table + "." + columns;
}

std::optional<constraint_kind> violated_kind(std::string_view state) noexcept {
  if (state == "23505") return constraint_kind::unique;
  if (state == "23503") return constraint_kind::foreign_key;
  if (state == "23502") return constraint_kind::not_null;
  if (state == "23514" || state == "23P01") return constraint_kind::check;
  return std::nullopt;
}

// What a parameter can cause.
bool is_input(std::string_view state) noexcept {
  for (std::string_view each : {"22001",                             // longer than its column
                                "22003",                             // a number out of range
                                "22007", "22008",                    // no such time
                                "22021", "22P05",                    // no valid UTF-8, or NUL
                                "22P02", "22P03",                    // not of this form
                                "2202E",                             // a wrong array
                                "22030", "22032", "22035", "22036",  // JSON
                                "54000",                             // more than a row or an index entry holds
                                "22P06", "2200N", "22018"})
    if (state == each) return true;
  return false;
}

}  // namespace

pg_type_id type_of(value_kind kind) noexcept {
  switch (kind) {
    case value_kind::none: return 0;
    case value_kind::boolean: return boolean;
    case value_kind::integer: return int8;
    case value_kind::number: return float8;
    case value_kind::text: return text;
    case value_kind::bytes: return bytea;
    case value_kind::uuid: return uuid_type;
    case value_kind::time: return timestamptz;
    case value_kind::json: return jsonb;
    case value_kind::decimal: return numeric;
    case value_kind::date: return date;
  }
  return 0;
}

char const* encode_value(value const& v, char* scratch, int& length, int& format) {
  format = 1;
  if (v.is_null()) {
    length = 0;
    return nullptr;
  }
  switch (v.kind()) {
    case value_kind::boolean:
      length = 1;
      scratch[0] = v.boolean() ? 1 : 0;
      return scratch;
    case value_kind::integer:
      length = 8;
      store64(scratch, static_cast<std::uint64_t>(v.integer()));
      return scratch;
    case value_kind::time: {
      length = 8;
      auto const t = v.integer();
      auto const endless =
          t == std::numeric_limits<std::int64_t>::max() || t == std::numeric_limits<std::int64_t>::min();
      if (!endless && t < std::numeric_limits<std::int64_t>::min() + epoch_offset)
        throw input_error{"a time before the year -290000 cannot be stored"};
      store64(scratch, static_cast<std::uint64_t>(endless ? t : t - epoch_offset));
      return scratch;
    }
    case value_kind::number: {
      if (std::isnan(v.number())) throw input_error{"NaN cannot be stored"};
      length = 8;
      std::uint64_t bits;
      auto const number = v.number();
      std::memcpy(&bits, &number, 8);
      store64(scratch, bits);
      return scratch;
    }
    case value_kind::uuid: length = 16; return reinterpret_cast<char const*>(v.id().bytes.data());
    case value_kind::decimal:
    case value_kind::date:
    case value_kind::json:
      format = 0;  // as text, which ends with NUL
      return v.text().c_str();
    case value_kind::none:  // raw
    case value_kind::text:
    case value_kind::bytes:
      if (v.text().size() > std::size_t{1} << 29) throw input_error{"a value of more than 512 MB cannot be stored"};
      length = static_cast<int>(v.text().size());
      return v.text().data();
  }
  return nullptr;
}

void wire_parameters::encode(values const& parameters, bool with_types) {
  auto const count = parameters.size();
  if (count > 65'535) throw error{"a statement has more than 65535 parameters"};
  count_ = count;
  if (count > values_.size()) [[unlikely]] {
    types_.resize(count);
    values_.resize(count);
    lengths_.resize(count);
    formats_.resize(count);
    scratch_.resize(count);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (with_types) types_[i] = type_of(parameters[i].kind());
    values_[i] = encode_value(parameters[i], scratch_[i].data(), lengths_[i], formats_[i]);
  }
}

rows rows_of(PGresult* result) noexcept { return rows{result, operations}; }

std::string_view state_of(PGresult const* result) noexcept {
  auto const* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state != nullptr ? state : "";
}

std::string name_of(violated_names const& names) {
  switch (names.kind) {
    case constraint_kind::unique: return "unique(" + key_name(names) + ")";
    case constraint_kind::foreign_key: return "foreign_key(" + foreign_key_name(names) + ")";
    case constraint_kind::not_null: return "not_null(" + key_name(names) + ")";
    case constraint_kind::check: break;
  }
  return "check(" + names.constraint + ")";
}

pg_violation::pg_violation(violated_names names, std::string const& what, std::string code)
    : constraint_error{names.kind, name_of(names), what, std::move(code)}, names_{std::move(names)} {}

std::exception_ptr error_of(PGresult const* result) {
  auto const state = std::string{state_of(result)};
  // The detail is left out: it repeats values.
  auto const what = "PostgreSQL: " + field(result, PG_DIAG_MESSAGE_PRIMARY) + " (" + state + ")";
  if (auto const kind = violated_kind(state)) {
    auto columns = kind == constraint_kind::not_null ? field(result, PG_DIAG_COLUMN_NAME)
                                                     : columns_in(field(result, PG_DIAG_MESSAGE_DETAIL));
    return std::make_exception_ptr(pg_violation{{.kind = *kind,
                                                 .schema = field(result, PG_DIAG_SCHEMA_NAME),
                                                 .table = field(result, PG_DIAG_TABLE_NAME),
                                                 .constraint = field(result, PG_DIAG_CONSTRAINT_NAME),
                                                 .columns = std::move(columns)},
                                                what,
                                                state});
  }
  if (state == "40001" || state == "40P01" || state == "55P03")
    return std::make_exception_ptr(conflict_error{what, state});
  if (state == "53100") return no_room_left(what);
  if (state == "57014") return std::make_exception_ptr(unavailable_error{what + ": database.statement_timeout"});
  if (is_input(state)) return std::make_exception_ptr(input_error{what, state});
  if (state.starts_with("22")) return std::make_exception_ptr(value_error{what, state});
  if (state == "08P01") return std::make_exception_ptr(error{what, state});  // the number of parameters is wrong
  for (auto const* passing : {"08", "53", "57", "58", "25006"})
    if (state.starts_with(passing)) return std::make_exception_ptr(unavailable_error{what});
  return std::make_exception_ptr(error{what, state});
}

}  // namespace slipway::db::detail
