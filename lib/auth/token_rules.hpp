// What issuer and verifier must agree on. Private to this library.
#pragma once

#include <string_view>

namespace slipway::auth {

// The `typ` of access tokens (RFC 9068, section 2.1), so that no other JWT of ours passes for one.
inline constexpr std::string_view access_token_type = "at+jwt";

// Whether `claims` has a place of its own for the claim.
bool is_registered_claim(std::string_view name);

}  // namespace slipway::auth
