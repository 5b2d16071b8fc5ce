// Base64url (RFC 4648, section 5, without padding), base64, hexadecimal and percent-encoding (RFC 3986, section 2.1).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace slipway {

std::string base64url(std::span<std::byte const> bytes);
std::string base64(std::span<std::byte const> bytes);
std::string hex(std::span<std::byte const> bytes);  // lower case

// Strict: no padding, no white space, no bits left over. Empty when the text is not in the form.
std::optional<std::string> from_base64url(std::string_view text);
// Strict, with the padding that the form demands.
std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_hex(std::string_view text);

// Everything but A-Z a-z 0-9 - . _ ~ is encoded, and what is in `kept`: for a path segment, or a name or value of a
// query. Decoding is http::percent_decode.
std::string percent_encode(std::string_view text, std::string_view kept = {});

inline std::span<std::byte const> as_byte_span(std::string_view text) noexcept {
  return std::as_bytes(std::span{text.data(), text.size()});
}

// True when both are equal, in a time that depends on the lengths alone.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace slipway
