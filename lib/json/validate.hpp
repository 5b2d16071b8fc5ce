// The rules of described members (slipway/meta/rules.hpp), checked on values.
//
// A rule about text or numbers that stands at a list or map holds for each element; an empty optional or change
// fulfils every rule.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/meta/description.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace slipway::json {

// Adds an error for each broken rule in `value`, also in what it contains. `pointer` is where the value stands.
void validate(meta::type const& type, void const* value, std::vector<field_error>& errors,
              std::string_view pointer = {});

// Checks one value against the rules of one member: a parameter of the path or query, for example. Does not look
// into objects. True when all hold.
bool check_rules(meta::attributes const& about, meta::type const& type, void const* value,
                 std::vector<field_error>& errors, std::string_view pointer);

template <meta::described T>
std::vector<field_error> validate(T const& value) {
  std::vector<field_error> errors;
  validate(meta::describe<T>, &value, errors);
  return errors;
}

// The formats by themselves.
bool is_email(std::string_view text) noexcept;  // RFC 5321 mailbox, dot-atom local part; a domain name, no literal
bool is_url(std::string_view text) noexcept;    // RFC 3986, absolute, http or https, with a host and no user
std::size_t count_code_points(std::string_view utf8) noexcept;

}  // namespace slipway::json
