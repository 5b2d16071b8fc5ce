// auth::throttle in Redis: attempts to log in are counted over all processes. Two round trips for a login: one that asks
// and counts in one script, one that tells how it ended. An attempt whose end is never told, because its process died,
// counts as a failed one until it is forgotten.
#pragma once

#include <slipway/auth/throttle.hpp>
#include <slipway/limits/fallback.hpp>
#include <slipway/redis/client.hpp>

#include <atomic>
#include <cstdint>

namespace slipway::limits {

class shared_throttle final : public auth::throttle {
 public:
  // Everything must outlive this. `own` counts while Redis does not answer.
  shared_throttle(redis::client& cache, auth::throttle_settings settings, fallback when_down, auth::throttle& own);

  task<std::chrono::seconds> ask(std::string account, std::string address) override;
  task<> failed(std::string account, std::string address) override;
  task<> succeeded(std::string account, std::string address) override;
  task<> withdrawn(std::string account, std::string address) override;
  std::uint64_t store_failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

 private:
  redis::texts keys_of(std::string const& account, std::string const& address) const;
  // False when this process's own counts are to be told instead.
  task<bool> settle(char const* how, std::string const& account, std::string const& address);
  void store_failed();

  redis::client& cache_;
  auth::throttle_settings settings_;
  fallback when_down_;
  auth::throttle& own_;
  redis::script ask_, settle_;
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace slipway::limits
