// Percent-encoding (RFC 3986, section 2.1). Decoded once, in one place.
#pragma once

#include <slipway/core/arena.hpp>

#include <optional>
#include <string_view>

namespace slipway::http {

// The value of a hexadecimal digit; -1 for any other character.
constexpr int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (auto const lower = c | 0x20; lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

// The text itself when nothing is encoded, else a decoded copy in `memory`. Empty when a '%' is not followed by two
// hexadecimal digits, and when a NUL comes out.
std::optional<std::string_view> percent_decode(std::string_view text, arena& memory);
// The same for a query's names and values, where '+' is a space.
std::optional<std::string_view> form_decode(std::string_view text, arena& memory);

// The path with needless escapes undone ("%6e" is "n", section 6.2.2.2), so that equal paths compare equal. What has
// a meaning as itself stays encoded. Empty for a malformed escape.
std::optional<std::string_view> normalise_path(std::string_view path, arena& memory);

}  // namespace slipway::http
