// What the tests of this library share.
#pragma once

#include "../../core/tests/temporary_folder.hpp"

#include <slipway/auth/key_ring.hpp>
#include <slipway/auth/tokens.hpp>
#include <slipway/core/encoding.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::auth::tests {

inline constexpr time_point noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + std::chrono::hours{12}};

inline std::string encode(std::string_view text) { return base64url(as_byte_span(text)); }

// The three parts of a compact JWS.
struct parts {
  std::string header, payload, signature;
  explicit parts(std::string const& token) {
    auto const first = token.find('.'), second = token.rfind('.');
    header = token.substr(0, first);
    payload = token.substr(first + 1, second - first - 1);
    signature = token.substr(second + 1);
  }
  std::string token() const { return header + '.' + payload + '.' + signature; }
  std::string input() const { return header + '.' + payload; }
};

// A token with any header and claims, signed.
inline std::string forge(std::string_view header, std::string_view claims_json, key const& with) {
  auto const input = encode(header) + '.' + encode(claims_json);
  return input + '.' + encode(with.sign(input));
}

}  // namespace slipway::auth::tests
