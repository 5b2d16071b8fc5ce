// Access tokens of the Authorization header, checked by computation alone.
#pragma once

#include <slipway/api/access.hpp>
#include <slipway/auth/tokens.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>

namespace app::middleware {

using namespace slipway;

class authentication final : public api::authenticator {
 public:
  // `keys` must outlive this. Each shard has a verifier of its own.
  authentication(auth::token_settings const& tokens, auth::key_ring& keys, unsigned shard_count,
                 clock_source const& clock);
  result<scope> authenticate(http::exchange const& x) override;

 private:
  per_shard<std::unique_ptr<auth::token_verifier>> verifiers_;
};

}  // namespace app::middleware
