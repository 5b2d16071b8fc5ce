#include <slipway/core/time.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/rows.hpp>
#include <slipway/db/value_words.hpp>
#include <slipway/json/reader.hpp>

#include <cmath>
#include <cstring>

namespace slipway::db {

std::string_view word_for(value_kind kind) noexcept {
  switch (kind) {
    case value_kind::none: return "null";
    case value_kind::boolean: return "a boolean";
    case value_kind::integer: return "an integer";
    case value_kind::number: return "a floating-point number";
    case value_kind::text: return "text";
    case value_kind::bytes: return "bytes";
    case value_kind::uuid: return "a UUID";
    case value_kind::time: return "a time";
    case value_kind::json: return "JSON";
    case value_kind::decimal: return "a decimal number";
    case value_kind::date: return "a date";
  }
  return "something";
}

namespace {

[[noreturn]] void refuse(cell const& from, std::string_view name, std::string_view wanted) {
  throw value_error{"the column " + std::string{name} + " holds " + std::string{word_for(from.kind)} + ", not " +
                    std::string{wanted}};
}

// False: the type is none of the everyday ones, or the number does not fit.
bool read_plain_integer(meta::type const& type, void* out, std::int64_t number) noexcept {
  if (!type.is_signed) return false;
  if (type.size == 8) {
    std::memcpy(out, &number, 8);
    return true;
  }
  auto const narrow = static_cast<std::int32_t>(number);
  if (type.size != 4 || narrow != number) return false;
  std::memcpy(out, &narrow, 4);
  return true;
}

void read_integer(meta::type const& type, void* out, std::int64_t number, std::string_view name) {
  if (read_plain_integer(type, out, number)) return;
  if (!meta::fits(type, number)) [[unlikely]]
    throw value_error{"the column " + std::string{name} + " holds a number that does not fit into its member"};
  meta::write_integer(type, out, number);
}

void read_uuid(void* out, cell const& from, std::string_view name) {
  if (from.kind == value_kind::uuid) [[likely]] {
    std::memcpy(out, from.uuid, 16);
    return;
  }
  if (from.kind == value_kind::bytes && from.text.size() == 16) {
    std::memcpy(out, from.text.data(), 16);
    return;
  }
  if (from.kind == value_kind::text)
    if (auto const parsed = uuid::parse(from.text)) {
      std::memcpy(out, parsed->bytes.data(), 16);
      return;
    }
  refuse(from, name, "a UUID");
}

// SQLite's CURRENT_TIMESTAMP has a blank where RFC 3339 has a T, and no zone.
std::optional<time_point> time_from_text(std::string_view text) {
  if (auto const t = from_rfc3339(text)) return t;
  if (text.size() < 19 || text[10] != ' ') return {};
  std::string copy{text};
  copy[10] = 'T';
  return from_rfc3339(copy + 'Z');
}

void read_time(void* out, cell const& from, std::string_view name) {
  if (from.kind == value_kind::time || from.kind == value_kind::integer) [[likely]] {
    *static_cast<time_point*>(out) = time_point{std::chrono::microseconds{from.integer}};
    return;
  }
  if (from.kind == value_kind::text)
    if (auto const t = time_from_text(from.text)) {
      *static_cast<time_point*>(out) = *t;
      return;
    }
  refuse(from, name, "a time");
}

void read_enumeration(meta::type const& type, void* out, cell const& from, std::string_view name) {
  if (from.kind != value_kind::text) refuse(from, name, "the name of an enumerator");
  for (auto const& each : type.enumerators)
    if (each.name == from.text) return meta::write_integer(type, out, each.value);
  throw value_error{"the column " + std::string{name} + " holds a name that " + std::string{type.name} +
                    " does not have"};
}

void read_json(meta::type const& type, void* out, cell const& from, std::string_view name) {
  if (from.kind != value_kind::json && from.kind != value_kind::text) refuse(from, name, "JSON");
  static constexpr json::read_options own{.unknown = json::unknown_members::ignore,
                                          .own_document = true,
                                          .max_bytes = std::size_t{64} << 20,
                                          .max_depth = 512,
                                          .max_items = 10'000'000};
  if (auto done = json::read_into(type, out, from.text, own, false); !done)
    throw value_error{"the column " + std::string{name} + " holds JSON that does not fit into its member (" +
                      std::string{done.error().code()} + ")"};
}

// The same number with another count of digits after the point; nothing when digits would be lost or there is no room.
std::optional<std::int64_t> rescaled(std::int64_t units, unsigned from, unsigned to) noexcept {
  for (; from < to; ++from)
    if (__builtin_mul_overflow(units, std::int64_t{10}, &units)) return {};
  for (; from > to; --from) {
    if (units % 10 != 0) return {};
    units /= 10;
  }
  return units;
}

double approximate(cell const& from) noexcept {
  double divisor = 1;
  for (unsigned i = 0; i < from.scale; ++i) divisor *= 10;
  return static_cast<double>(from.integer) / divisor;
}

void read_decimal(meta::scalar_operations const& operations, void* out, cell const& from, std::string_view name) {
  // A column of integers holds the smallest units: SQLite's.
  auto const scale = from.kind == value_kind::decimal ? from.scale : operations.scale;
  if (from.kind != value_kind::decimal && from.kind != value_kind::integer) refuse(from, name, "a decimal number");
  auto const units = rescaled(from.integer, scale, operations.scale);
  if (!units)
    throw value_error{"the column " + std::string{name} + " holds a number that a decimal of " +
                      std::to_string(operations.scale) + " digits after the point cannot hold"};
  operations.set(out, *units);
}

void read_scalar(meta::type const& type, void* out, cell const& from, std::string_view name) {
  auto const& operations = *type.as_scalar;
  switch (operations.column) {
    case meta::scalar_column::decimal: return read_decimal(operations, out, from, name);
    case meta::scalar_column::date:
      if (from.kind == value_kind::time)
        return operations.set(out,
                              std::chrono::floor<std::chrono::days>(std::chrono::microseconds{from.integer}).count());
      break;
    case meta::scalar_column::bytes:
      if (from.kind != value_kind::bytes) refuse(from, name, "bytes");
      operations.octets(out).assign(from.text);
      return;
    case meta::scalar_column::text: break;
  }
  if (from.kind != value_kind::text || !operations.read(out, from.text)) refuse(from, name, operations.name);
}

// Most rows are read into new structs: to make the text anew is shorter than to have it grow.
void read_text(std::string& out, std::string_view from) {
  if (from.size() > out.capacity())
    out = std::string{from};
  else
    out.assign(from);
}

}  // namespace

void read_cell(meta::type const& type, void* out, cell const& from, std::string_view name) {
  if (type.what == meta::kind::integer && from.kind == value_kind::integer &&
      read_plain_integer(type, out, from.integer)) [[likely]]
    return;
  if (type.what == meta::kind::optional || type.what == meta::kind::change) {
    if (from.is_null()) return type.as_optional->reset(out);
    return read_cell(*type.element, type.as_optional->emplace(out), from, name);
  }
  switch (type.what) {
    case meta::kind::boolean:
      if (from.kind != value_kind::boolean &&
          (from.kind != value_kind::integer || (from.integer != 0 && from.integer != 1)))
        refuse(from, name, "a boolean");
      *static_cast<bool*>(out) = from.integer != 0;
      return;
    case meta::kind::integer:
      if (from.kind == value_kind::decimal) {
        auto const whole = rescaled(from.integer, from.scale, 0);
        if (!whole) refuse(from, name, "an integer");
        return read_integer(type, out, *whole, name);
      }
      if (from.kind != value_kind::integer && from.kind != value_kind::boolean) refuse(from, name, "an integer");
      return read_integer(type, out, from.integer, name);
    case meta::kind::number: {
      if (from.kind != value_kind::number && from.kind != value_kind::integer && from.kind != value_kind::decimal)
        refuse(from, name, "a number");
      auto const number = from.kind == value_kind::number    ? from.number
                          : from.kind == value_kind::decimal ? approximate(from)
                                                             : static_cast<double>(from.integer);
      if (type.size == sizeof(float))
        *static_cast<float*>(out) = static_cast<float>(number);
      else
        *static_cast<double*>(out) = number;
      return;
    }
    case meta::kind::text:
      if (from.kind != value_kind::text && from.kind != value_kind::json && from.kind != value_kind::bytes)
        refuse(from, name, "text");
      read_text(*static_cast<std::string*>(out), from.text);
      return;
    case meta::kind::secret_text:
      if (from.kind != value_kind::text) refuse(from, name, "text");
      *static_cast<secret<std::string>*>(out) = secret<std::string>{std::string{from.text}};
      return;
    case meta::kind::enumeration: return read_enumeration(type, out, from, name);
    case meta::kind::uuid: return read_uuid(out, from, name);
    case meta::kind::time: return read_time(out, from, name);
    case meta::kind::duration:
      if (from.kind != value_kind::integer) refuse(from, name, "milliseconds");
      *static_cast<std::chrono::milliseconds*>(out) = std::chrono::milliseconds{from.integer};
      return;
    case meta::kind::scalar: return read_scalar(type, out, from, name);
    case meta::kind::optional:
    case meta::kind::change: return;
    case meta::kind::dynamic:
    case meta::kind::list:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object: return read_json(type, out, from, name);
  }
}

std::vector<std::size_t> rows::columns_of(meta::type const& row) const {
  std::vector<std::size_t> map;
  if (answer_ == nullptr) return map;
  std::string given, wanted, missing, unknown;
  auto const add = [](std::string& to, std::string_view what) { to.append(to.empty() ? "" : ", ").append(what); };
  for (std::size_t c = 0; c < columns(); ++c) {
    add(given, name(c));
    if (row.find(name(c)) == nullptr) add(unknown, name(c));
  }
  for (auto const& member : row.members) {
    add(wanted, member.name);
    auto found = columns();
    for (std::size_t c = 0; c < columns(); ++c)
      if (name(c) == member.name) found = c;
    if (found == columns()) add(missing, member.name);
    map.push_back(found);
  }
  if (missing.empty() && unknown.empty() && columns() == row.members.size()) return map;
  throw value_error{"the statement gives the columns " + given + "; " + std::string{row.name} + " needs " + wanted +
                    (missing.empty() ? "" : " (missing: " + missing + ")") +
                    (unknown.empty() ? "" : " (unknown: " + unknown + ")")};
}

void rows::fill(meta::type const& row, void* out, std::size_t index, std::vector<std::size_t> const& map) const {
  for (std::size_t i = 0; i < row.members.size(); ++i) {
    auto const& member = row.members[i];
    read_cell(*member.of, member.at(out), at(index, map[i]), member.name);
  }
}

}  // namespace slipway::db
