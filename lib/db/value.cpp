#include <slipway/db/errors.hpp>
#include <slipway/db/value.hpp>
#include <slipway/json/writer.hpp>

#include <cstring>

namespace slipway::db {

void value::refuse_unsigned() { throw value_error{"an unsigned number above 9223372036854775807 cannot be stored"}; }

value_kind kind_of(meta::type const& type) noexcept {
  switch (type.what) {
    case meta::kind::boolean: return value_kind::boolean;
    case meta::kind::integer:
    case meta::kind::duration: return value_kind::integer;
    case meta::kind::number: return value_kind::number;
    case meta::kind::text:
    case meta::kind::secret_text:
    case meta::kind::enumeration: return value_kind::text;
    case meta::kind::uuid: return value_kind::uuid;
    case meta::kind::time: return value_kind::time;
    case meta::kind::optional:
    case meta::kind::change: return kind_of(*type.element);
    case meta::kind::dynamic:
    case meta::kind::list:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object: return value_kind::json;
  }
  return value_kind::none;
}

namespace {

value json_of(meta::type const& type, void const* at) {
  try {
    json::buffer out;
    json::write_value(out, type, at);
    return json_text{out.text()};
  } catch (json::write_error const& refused) {
    throw value_error{std::string{"a JSON column cannot hold this: "} + refused.what()};
  }
}

value integer_of(meta::type const& type, void const* at) {
  auto const number = meta::read_integer(type, at);
  if (type.size == 8 && !type.is_signed) return static_cast<std::uint64_t>(number);  // refuses what is too large
  return number;
}

}  // namespace

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
