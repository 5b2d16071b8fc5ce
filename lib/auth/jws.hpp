// JSON Web Signatures in the compact form (RFC 7515), strictly: tokens.hpp is what applications use.
#pragma once

#include <slipway/auth/key.hpp>

#include <string>
#include <string_view>

namespace slipway::auth {

// Bytes of the longest token that is looked at.
inline constexpr std::size_t max_token_bytes = 8192;

struct jws {
  std::string kid;
  std::string typ;  // empty when absent
  auth::algorithm alg{};
  std::string payload;
  std::string signature;
  std::string_view signing_input;  // a view into the token
};

// Takes the token apart; checks everything but the signature. Refuses more or fewer than three parts, base64url that
// is not canonical, header members that repeat, `crit`, an `alg` that we do not have (`none` is none), and headers
// without `kid`. The fault is `invalid_token`.
result<jws> parse_jws(std::string_view token);

// The payload of a token whose signature is right for the key of its `kid`, and whose `alg` is that key's.
result<jws> verify_jws(std::string_view token, key_set const& keys);

// `typ` is left out when empty.
std::string sign_jws(std::string_view payload, key const& with, std::string_view typ = {});

}  // namespace slipway::auth
