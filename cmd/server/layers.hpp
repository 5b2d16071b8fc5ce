// What lies between a connection and a handler, outermost first: observation, security headers, CORS, limits,
// compression, deprecation notices, authentication, and where the database may be read.
#pragma once

#include "config/settings.hpp"
#include "middleware/authentication.hpp"
#include "middleware/replica_reads.hpp"

#include <slipway/api/observation.hpp>
#include <slipway/api/router.hpp>
#include <slipway/content/rate_limit.hpp>
#include <slipway/limits/route_limits.hpp>

#include <memory>
#include <vector>

namespace app {

class layers {
 public:
  struct surroundings {
    app::settings const& settings;
    unsigned shard_count;
    auth::key_ring& keys;
    clock_source const& clock;
    api::observation::parts observation;
    limits::route_limits* shared_limits = nullptr;  // null: the limits of routes are counted in this process
  };
  // The limits of single routes are taken from `table`.
  layers(surroundings around, api::router& table);

  std::vector<http::middleware*> all();
  // Takes over what may change while they serve: the limits. Not from a shard's thread.
  void change(settings const& now, shards& on);

 private:
  api::observation observation_;
  std::unique_ptr<http::middleware> security_, cors_, compression_;
  std::unique_ptr<content::rate_limiter> limits_;
  limits::route_limits* shared_limits_;
  middleware::authentication authentication_;
  api::access_guard guard_;
  api::deprecation_notice deprecation_;
  std::unique_ptr<http::middleware> replicas_;  // null: the database has none
};

}  // namespace app
