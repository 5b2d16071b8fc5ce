#include <slipway/db/postgres_wire.hpp>

#include <slipway/core/decimal.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/db/no_room.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
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
cell read_text(value_kind kind, char const* at, std::size_t length) noexcept {
  cell c;
  c.kind = kind;
  c.text = {at, length};
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
cell read_interval(std::string_view column, char const* at) {
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
cell read_numeric(char const* at, std::size_t length) {
  if (length < 8) throw value_error{"PostgreSQL sent a broken numeric"};
  auto const digits = load<std::int16_t>(at), weight = load<std::int16_t>(at + 2);
  auto const sign = load<std::uint16_t>(at + 4);
  auto const scale = load<std::uint16_t>(at + 6);
  if (sign != 0 && sign != 0x4000)
    return read_number(sign == 0xf000   ? -std::numeric_limits<double>::infinity()
                       : sign == 0xd000 ? std::numeric_limits<double>::infinity()
                                        : std::numeric_limits<double>::quiet_NaN());
  if (digits < 0 || length < 8 + 2 * static_cast<std::size_t>(digits))
    throw value_error{"PostgreSQL sent a broken numeric"};
  if (auto const exact = read_decimal(at + 8, digits, weight, scale, sign == 0x4000)) return *exact;
  double number = 0;
  for (int i = 0; i < digits; ++i) number += load<std::int16_t>(at + 8 + 2 * i) * std::pow(10'000.0, weight - i);
  return read_number(sign == 0x4000 ? -number : number);
}

// How many bytes a value of the type has; 0: as many as it wants.
std::size_t length_of(pg_type_id type) noexcept {
  switch (type) {
    case boolean: return 1;
    case int2: return 2;
    case int4:
    case oid:
    case float4:
    case date: return 4;
    case int8:
    case float8:
    case timestamp:
    case timestamptz: return 8;
    case interval:
    case uuid_type: return 16;
    default: return 0;
  }
}

// The types that are not the everyday ones.
cell read_rarer(pg_answer const& from, std::size_t column, pg_answer::bytes value) {
  auto const type = from.type(column);
  auto const [at, length] = value;
  if (auto const wanted = length_of(type); wanted != 0 && length != wanted)
    throw value_error{"the column " + std::string{from.name(column)} + ": PostgreSQL sent " + std::to_string(length) +
                      " bytes and not " + std::to_string(wanted)};
  switch (type) {
    case int4: return read_integer(value_kind::integer, load<std::int32_t>(at));
    case int8: return read_integer(value_kind::integer, load<std::int64_t>(at));
    case int2: return read_integer(value_kind::integer, load<std::int16_t>(at));
    case oid: return read_integer(value_kind::integer, load<std::uint32_t>(at));
    case boolean: return read_integer(value_kind::boolean, *at != 0 ? 1 : 0);
    case text:
    case varchar:
    case bpchar:
    case name:
    case single_char:
    case unknown: return read_text(value_kind::text, at, length);
    case timestamptz:
    case timestamp: return read_time(load<std::int64_t>(at));
    case date: return read_date(from.name(column), load<std::int32_t>(at));
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
    case uuid_type: {
      cell out;
      out.kind = value_kind::uuid;
      out.uuid = reinterpret_cast<std::uint8_t const*>(at);
      return out;
    }
    case json: return read_text(value_kind::json, at, length);
    case jsonb:  // after the version of the form
      if (length == 0) throw value_error{"PostgreSQL sent a broken jsonb"};
      return read_text(value_kind::json, at + 1, length - 1);
    case bytea: return read_text(value_kind::bytes, at, length);
    case numeric: return read_numeric(at, length);
    case interval: return read_interval(from.name(column), at);
    case void_type: return {};
    default:
      if (type >= first_of_users) return read_text(value_kind::text, at, length);  // enumerations, citext
      throw value_error{"the column " + std::string{from.name(column)} + " has a type that is not read (" +
                        std::to_string(type) + "): cast it in the statement, for example to text"};
  }
}

// The everyday types write what they need of the cell.
inline void read(cell& out, pg_answer const& from, std::size_t column, pg_answer::bytes value) {
  auto const type = value.at != nullptr ? from.type(column) : 0;
  if (type == int4 && value.length == 4) {
    out.kind = value_kind::integer;
    out.integer = load<std::int32_t>(value.at);
  } else if (type == int8 && value.length == 8) {
    out.kind = value_kind::integer;
    out.integer = load<std::int64_t>(value.at);
  } else if (type == text) {
    out.kind = value_kind::text;
    out.text = {value.at, value.length};
  } else {
    out = value.at != nullptr ? read_rarer(from, column, value) : cell{};
  }
}

pg_answer* as_answer(void* answer) noexcept { return static_cast<pg_answer*>(answer); }

constexpr row_operations operations{
    .size = [](void* a) noexcept { return as_answer(a)->rows(); },
    .columns = [](void* a) noexcept { return as_answer(a)->columns(); },
    .at =
        [](void* a, std::size_t row, std::size_t column) {
          auto const& from = *as_answer(a);
          cell out;
          if (row < from.rows() && column < from.columns()) read(out, from, column, from.cell(row, column));
          return out;
        },
    .name = [](void* a, std::size_t column) noexcept { return as_answer(a)->name(column); },
    .affected = [](void* a) noexcept { return as_answer(a)->affected(); },
    .release = [](void* a) noexcept { delete as_answer(a); },
    .some_of_row =
        [](void* a, std::size_t row, std::size_t first, std::span<cell> out) {
          auto const& from = *as_answer(a);
          auto const there =
              row < from.rows() && first < from.columns() ? std::min(out.size(), from.columns() - first) : 0;
          std::ranges::fill(out.subspan(there), cell{});
          if (there > 0)
            from.each_cell(row, first, there, [&from, &out, first](std::size_t column, pg_answer::bytes value) {
              read(out[column - first], from, column, value);
            });
        },
};

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

bool goes_as_text(value_kind kind) noexcept {
  return kind == value_kind::decimal || kind == value_kind::date || kind == value_kind::json;
}

wire_value encode_value(value const& v, char* scratch) {
  if (v.is_null()) return {};
  switch (v.kind()) {
    case value_kind::boolean: scratch[0] = v.boolean() ? 1 : 0; return {scratch, 1};
    case value_kind::integer: store64(scratch, static_cast<std::uint64_t>(v.integer())); return {scratch, 8};
    case value_kind::time: {
      auto const t = v.integer();
      auto const endless =
          t == std::numeric_limits<std::int64_t>::max() || t == std::numeric_limits<std::int64_t>::min();
      if (!endless && t < std::numeric_limits<std::int64_t>::min() + epoch_offset)
        throw input_error{"a time before the year -290000 cannot be stored"};
      store64(scratch, static_cast<std::uint64_t>(endless ? t : t - epoch_offset));
      return {scratch, 8};
    }
    case value_kind::number: {
      if (std::isnan(v.number())) throw input_error{"NaN cannot be stored"};
      std::uint64_t bits;
      auto const number = v.number();
      std::memcpy(&bits, &number, 8);
      store64(scratch, bits);
      return {scratch, 8};
    }
    case value_kind::uuid: return {reinterpret_cast<char const*>(v.id().bytes.data()), 16};
    case value_kind::none:  // raw
    case value_kind::decimal:
    case value_kind::date:
    case value_kind::json:
    case value_kind::text:
    case value_kind::bytes:
      if (v.text().size() > std::size_t{1} << 29) throw input_error{"a value of more than 512 MB cannot be stored"};
      return {v.text().data(), v.text().size()};
  }
  return {};
}

rows rows_of(std::unique_ptr<pg_answer> answer) noexcept { return rows{answer.release(), operations}; }

pg_answer const& answer_of(rows const& from) noexcept { return *as_answer(from.answer()); }

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

std::exception_ptr error_of(pg_answer const& answer) {
  using field = pg_answer::field;
  auto const text = [&answer](field which) { return std::string{answer[which]}; };
  auto const state = text(field::state);
  // The detail is left out: it repeats values.
  auto const what = "PostgreSQL: " + text(field::message) + " (" + state + ")";
  if (auto const kind = violated_kind(state)) {
    auto columns = kind == constraint_kind::not_null ? text(field::column) : columns_in(answer[field::detail]);
    return std::make_exception_ptr(pg_violation{{.kind = *kind,
                                                 .schema = text(field::schema),
                                                 .table = text(field::table),
                                                 .constraint = text(field::constraint),
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
