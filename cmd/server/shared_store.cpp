#include "cmd/server/shared_store.hpp"

#include <slipway/api/problem.hpp>
#include <slipway/core/errors.hpp>

namespace app {

void shared_store::check(settings const& s) {
  if (s.redis.url.empty() && s.limits.store == limit_store::redis)
    throw startup_error{exit_code::config,
                        "limits.store is redis, and redis.url is empty: say where Redis is, or set limits.store to "
                        "memory"};
}

shared_store::shared_store(settings const& s, shards& on, metrics::registry& all, health::monitor& health,
                           clock_source const& clock)
    : own_{s.auth.throttle, clock} {
  check(s);
  if (s.redis.url.empty()) return;
  auto with = s.redis;
  with.watch = &watch_.emplace(all);
  auto& cache = cache_.emplace(redis::connect(with, on));
  metrics_ = redis::client_metrics(all, cache);
  health.add("redis", std::chrono::seconds{2}, s.redis.required, [&cache] { return cache.check(); });
  if (s.limits.store != limit_store::redis) return;
  throttle_.emplace(cache, s.auth.throttle, s.limits.when_store_fails, own_);
  routes_.emplace(cache, s.limits.when_store_fails, api::write_error_page);
  failures_ = all.callback(metrics::metric_kind::counter, "limits_store_failures_total",
                           "Decisions about limits that Redis did not make because it did not answer", {}, [this] {
                             return static_cast<double>(routes_->store_failures() + throttle_->store_failures());
                           });
}

auth::throttle& shared_store::throttle() noexcept {
  return throttle_ ? static_cast<auth::throttle&>(*throttle_) : own_;
}

}  // namespace app
