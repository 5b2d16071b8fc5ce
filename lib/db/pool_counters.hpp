// What a shard's pool counts for `usage`. Counted by one shard, read by anyone.
#pragma once

#include <slipway/db/driver.hpp>

#include <atomic>
#include <cstdint>

namespace slipway::db::detail {

struct pool_counters {
  using counter = std::atomic<std::uint64_t>;
  counter queries{0}, errors{0}, waits{0}, wait_time_us{0}, refused{0}, connects{0}, reconnects{0}, open{0}, in_use{0};

  static void add(counter& c, std::uint64_t n = 1) noexcept {
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  static void subtract(counter& c) noexcept {
    c.store(c.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
  void add_to(db::usage& u) const noexcept {
    auto get = [](counter const& c) { return c.load(std::memory_order_relaxed); };
    u.queries += get(queries);
    u.errors += get(errors);
    u.waits += get(waits);
    u.wait_time_us += get(wait_time_us);
    u.refused += get(refused);
    u.connects += get(connects);
    u.reconnects += get(reconnects);
    u.open += static_cast<std::uint32_t>(get(open));
    u.in_use += static_cast<std::uint32_t>(get(in_use));
  }
};

}  // namespace slipway::db::detail
