// What the parts of a client share. For the .cpp files of this folder.
#pragma once

#include <slipway/core/counter.hpp>
#include <slipway/redis/command.hpp>
#include <slipway/redis/settings.hpp>
#include <slipway/redis/url.hpp>
#include <slipway/tls/context.hpp>

#include <array>
#include <cstdint>
#include <memory>

namespace slipway::redis {

struct counters {
  counter commands, errors, refused, repeated, redirected, waits, wait_time_us;
  counter connects, lost, connect_errors, open, own, depth, refreshes, gaps;
  counter replica_reads, replica_fallbacks, replicas, replica_lag_us;
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
