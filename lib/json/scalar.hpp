// Values without structure as plain text: parameters of a path or query, environment variables, map keys.
#pragma once

#include <slipway/meta/description.hpp>

#include <string>
#include <string_view>

namespace slipway::json {

// What was wrong with a text. `code` null: nothing.
struct scalar_problem {
  char const* code = nullptr;  // as in field_error
  std::string message;
  explicit operator bool() const noexcept { return code != nullptr; }
};

// Whether `read_scalar` knows the type: everything but lists, maps, variants, objects and dynamic values. Optionals
// and changes of such a type are filled.
bool is_scalar(meta::type const& type) noexcept;

// Fills `value` from text: "true" and "false", decimal integers, numbers as in JSON, names of enumerators, UUIDs,
// RFC 3339 times, durations such as "250ms". Text must be UTF-8 without NUL. `value` is unchanged on a problem.
scalar_problem read_scalar(meta::type const& type, void* value, std::string_view text);
// The reverse. Secrets become "***".
std::string write_scalar(meta::type const& type, void const* value);

// "a text", "an integer": for messages and documents.
std::string_view name_of_kind(meta::type const& type) noexcept;

bool is_utf8(std::string_view text) noexcept;

}  // namespace slipway::json
