// What a shard's pool counts for `usage`.
#pragma once

#include <slipway/core/counter.hpp>
#include <slipway/db/driver.hpp>

namespace slipway::db::detail {

struct pool_counters {
  counter queries, errors, waits, wait_time_us, refused, connects, reconnects, open, in_use;

  void add_to(db::usage& u) const noexcept {
    u.queries += queries.read();
    u.errors += errors.read();
    u.waits += waits.read();
    u.wait_time_us += wait_time_us.read();
    u.refused += refused.read();
    u.connects += connects.read();
    u.reconnects += reconnects.read();
    u.open += static_cast<std::uint32_t>(open.read());
    u.in_use += static_cast<std::uint32_t>(in_use.read());
  }
};

}  // namespace slipway::db::detail
