#include "middleware/authentication.hpp"

#include <slipway/auth/bearer.hpp>

namespace app::middleware {

authentication::authentication(auth::token_settings const& tokens, auth::key_ring& keys, unsigned shard_count,
                               clock_source const& clock)
    : verifiers_{shard_count} {
  for (unsigned i = 0; i < shard_count; ++i)
    verifiers_[i] = std::make_unique<auth::token_verifier>(tokens, keys, clock);
}

result<scope> authentication::authenticate(http::exchange const& x) {
  auto const token = auth::parse_bearer(x.request.header("Authorization"));
  if (!token) return std::unexpected(fault::unauthenticated());
  auto claims = verifiers_.local()->verify(*token);
  if (!claims) return std::unexpected(std::move(claims.error()));
  return (*claims)->who();
}

}  // namespace app::middleware
