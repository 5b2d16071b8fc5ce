// The Authorization header of requests with access tokens, and the WWW-Authenticate header of the answers that
// refuse them (RFC 6750, RFC 9110 section 11).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace slipway::auth {

enum class bearer_error : std::uint8_t {
  none,                // no credentials at all: 401 without an `error`
  invalid_request,     // 400: not of the form "Bearer <token>"
  invalid_token,       // 401: expired, revoked, forged
  insufficient_scope,  // 403: good, but not for this
};

std::string_view to_string(bearer_error e) noexcept;  // "invalid_token"; "" for none
int status_of(bearer_error e) noexcept;               // 401, 400, 401, 403

// The token in the value of an Authorization header. `none` when the header is absent (empty) or of another scheme,
// `invalid_request` when it says Bearer and is not followed by exactly one b64token.
std::expected<std::string_view, bearer_error> parse_bearer(std::string_view authorization) noexcept;

// The value for WWW-Authenticate: Bearer realm="api", error="invalid_token", error_description="...". Quotes,
// backslashes and characters outside ASCII in the texts are replaced (RFC 6750, section 3, allows none of them).
// `scope`, when not empty, names what would have been enough.
std::string bearer_challenge(std::string_view realm, bearer_error error = bearer_error::none,
                             std::string_view description = {}, std::string_view scope = {});

}  // namespace slipway::auth
