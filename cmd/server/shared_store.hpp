// What the service has of Redis, when it has one: the client with its metrics, and the limits that it shares with other
// processes.
#pragma once

#include "config/settings.hpp"

#include <slipway/auth/throttle.hpp>
#include <slipway/health/health.hpp>
#include <slipway/limits/route_limits.hpp>
#include <slipway/limits/shared_throttle.hpp>
#include <slipway/redis/client.hpp>
#include <slipway/redis/telemetry.hpp>

#include <optional>
#include <string>
#include <vector>

namespace app {

class shared_store {
 public:
  // Throws startup_error when the settings ask for what has no place.
  static void check(settings const& s);

  // Everything must outlive this. Throws startup_error.
  shared_store(settings const& s, shards& on, metrics::registry& all, health::monitor& health,
               clock_source const& clock);

  // Where failed logins are counted, as the settings say.
  auth::throttle& throttle() noexcept;
  // Null: the limits of routes are counted in this process.
  limits::route_limits* route_limits() noexcept { return routes_ ? &*routes_ : nullptr; }
  // "Redis 7.0.15 at ...", or "none".
  std::string description() const { return cache_ ? cache_->description() : "none"; }

 private:
  auth::throttle_in_memory own_;
  std::optional<redis::telemetry> watch_;
  std::optional<redis::client> cache_;
  std::vector<metrics::registry::subscription> metrics_;
  std::optional<limits::shared_throttle> throttle_;
  std::optional<limits::route_limits> routes_;
  metrics::registry::subscription failures_;
};

}  // namespace app
