#include <slipway/core/encoding.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/value.hpp>
#include <slipway/json/writer.hpp>
#include <slipway/meta/scalars.hpp>

#include <cstring>

namespace slipway::db {

void value::refuse_unsigned() { throw input_error{"an unsigned number above 9223372036854775807 cannot be stored"}; }

namespace {

value json_of(meta::type const& type, void const* at) {
  try {
    json::buffer out;
    json::write_value(out, type, at);
    return json_text{out.text()};
  } catch (json::write_error const& refused) {
    throw input_error{std::string{"a JSON column cannot hold this: "} + refused.what()};
  }
}

value integer_of(meta::type const& type, void const* at) {
  auto const number = meta::read_integer(type, at);
  if (type.size == 8 && !type.is_signed) return static_cast<std::uint64_t>(number);  // refuses what is too large
  return number;
}

value scalar_of(meta::type const& type, void const* at) {
  auto const& operations = *type.as_scalar;
  if (operations.column == meta::scalar_column::bytes) return bytes{operations.octets(const_cast<void*>(at))};
  if (operations.get != nullptr) return value::of_number(type, operations.get(at));
  std::string text;
  operations.write(at, text);
  return text;
}

}  // namespace

namespace detail {

bool read_bytes(void* value, std::string_view text) {
  auto found = from_base64(text);
  if (found) static_cast<bytes*>(value)->data = std::move(*found);
  return found.has_value();
}
void write_bytes(void const* value, std::string& out) {
  out += base64(as_byte_span(static_cast<bytes const*>(value)->data));
}

}  // namespace detail

value value::of_number(meta::type const& declared, std::int64_t number) {
  auto const& type = declared.what == meta::kind::optional ? *declared.element : declared;
  value out;
  out.kind_ = kind_of(type);
  out.null_ = false;
  out.integer_ = number;
  if (type.what == meta::kind::scalar && type.as_scalar->column == meta::scalar_column::decimal) {
    out.text_ = slipway::detail::decimal_text(number, type.as_scalar->scale);
  } else {
    constexpr std::int64_t first = -719'162, last = 2'932'896;  // 0001-01-01 and 9999-12-31
    if (number < first || number > last)
      throw value_error{"a date that is not in the calendar of the years 1 to 9999 cannot be stored"};
    std::chrono::year_month_day const date{std::chrono::sys_days{std::chrono::days{number}}};
    meta::write_date(&date, out.text_);
  }
  return out;
}

value value::of(meta::type const& type, void const* at) {
  switch (type.what) {
    case meta::kind::boolean: return *static_cast<bool const*>(at);
    case meta::kind::integer: return integer_of(type, at);
    case meta::kind::number:
      return type.size == sizeof(float) ? static_cast<double>(*static_cast<float const*>(at))
                                        : *static_cast<double const*>(at);
    case meta::kind::text: return *static_cast<std::string const*>(at);
    case meta::kind::secret_text: return *static_cast<secret<std::string> const*>(at);
    case meta::kind::enumeration: {
      auto const name = meta::enumerator_name(type, at);
      if (name.empty()) throw value_error{"a value of " + std::string{type.name} + " has no name"};
      return name;
    }
    case meta::kind::uuid: return *static_cast<slipway::uuid const*>(at);
    case meta::kind::time: return *static_cast<time_point const*>(at);
    case meta::kind::duration: return *static_cast<std::chrono::milliseconds const*>(at);
    case meta::kind::scalar: return scalar_of(type, at);
    case meta::kind::optional:
    case meta::kind::change: {
      auto const* held = type.as_optional->get(const_cast<void*>(at));
      return held != nullptr ? of(*type.element, held) : null(kind_of(type));
    }
    case meta::kind::dynamic:
    case meta::kind::list:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object: return json_of(type, at);
  }
  throw value_error{"a member of an unknown kind cannot be stored"};
}

}  // namespace slipway::db
