// Query strings and application/x-www-form-urlencoded. One text alone: percent_encode, http::percent_decode.
#pragma once

#include <slipway/core/arena.hpp>
#include <slipway/core/fault.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::content {

bool is_utf8(std::string_view text) noexcept;

struct form_pair {
  std::string_view name, value;
};
struct form_limits {
  std::size_t pairs = 256;
};

// Pairs in their order; a name may come more than once, and "a" is "a" with an empty value. Views into `text` or the
// arena. Fault malformed: "invalid_encoding" naming each pair with bad percent-encoding, bytes that are not UTF-8 or a
// NUL; "too_many_parameters".
result<std::vector<form_pair>> decode_form(std::string_view text, arena& memory, form_limits limits = {});

// "a=1&b=x%20y"; a space is %20, which every reader takes for one.
std::string encode_form(std::vector<form_pair> const& pairs);

}  // namespace slipway::content
