// The limits of single routes, counted in Redis, for each client address. Put around the handlers of exactly these
// routes; they run after the layers that never wait and after authentication.
#pragma once

#include <slipway/content/rate_limit.hpp>
#include <slipway/limits/fallback.hpp>
#include <slipway/limits/shared_buckets.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::limits {

class route_limits final : public http::waiting_layer {
 public:
  // Keys are "limit:POST /v1/users:" and a hash of the address. `cache` must outlive this.
  route_limits(redis::client& cache, fallback when_down, content::error_page page = {});
  // Before the first request: also puts itself around the route, outermost. Throws std::invalid_argument when the
  // window is not above zero.
  void limit(http::route& r, content::rate_limit l);

  // Off: everything passes. From any thread.
  void set_enabled(bool on) noexcept { enabled_.store(on, std::memory_order_relaxed); }
  task<> around(http::exchange& x, http::handler const& next) override;
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
  // Decisions that Redis did not make because it did not answer.
  std::uint64_t store_failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

 private:
  struct rule {
    pace shared;
    content::bucket_table::pace own;
    std::string key, policy;
    std::uint64_t salt = 0;
  };
  void refuse_now(http::exchange& x, rule const& r, std::chrono::microseconds wait);
  task<decision> decide(http::exchange& x, rule const& r);

  shared_buckets buckets_;
  fallback when_down_;
  content::error_page page_;
  content::bucket_table own_{16'384};
  std::vector<std::unique_ptr<rule>> rules_;  // by route::index
  std::atomic<std::uint64_t> refused_{0}, failures_{0};
  std::atomic<bool> enabled_{true};
};

}  // namespace slipway::limits
