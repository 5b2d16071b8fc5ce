// What the parts of a client share. For the .cpp files of this folder.
#pragma once

#include <slipway/redis/command.hpp>
#include <slipway/redis/settings.hpp>
#include <slipway/redis/url.hpp>
#include <slipway/tls/context.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace slipway::redis {

// Counted by one shard, read by anyone.
struct counters {
  using counter = std::atomic<std::uint64_t>;
  counter commands{0}, errors{0}, refused{0}, repeated{0}, redirected{0}, waits{0}, wait_time_us{0};
  counter connects{0}, lost{0}, connect_errors{0}, open{0}, own{0}, depth{0}, refreshes{0}, gaps{0};
  counter replica_reads{0}, replica_fallbacks{0}, replicas{0}, replica_lag_us{0};
  static void add(counter& c, std::uint64_t n = 1) noexcept {
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  static void subtract(counter& c, std::uint64_t n = 1) noexcept {
    c.store(c.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
};

struct core {
  redis::settings settings;
  redis::target target;
  naming names;
  std::array<naming, 3> names_by_reading;  // the same for each read_from
  tls::context secure;                     // null: plain
  random_source& random;

  // Between half and all of `most`, so that a fleet does not come back as one.
  std::chrono::microseconds jittered(std::chrono::microseconds most) const {
    auto const half = static_cast<std::uint64_t>(most.count()) / 2;
    return std::chrono::microseconds{static_cast<std::int64_t>(half + random.below(half + 1))};
  }
};

}  // namespace slipway::redis
