// Clusters of customers and their entries, on each engine that can be a node.
#pragma once

#include "cases.hpp"

namespace slipway::sharding::tests {

inline constexpr char const* skipped = "SKIPPED LOUDLY: no PostgreSQL";

class clusters : public sharded_case, public testing::WithParamInterface<db::dialect> {
 protected:
  // A customer with this many entries, written through the cluster.
  task<customer> with_entries(customer c, int entries) {
    auto const made = co_await all_->insert(c);
    co_await all_->write(made.id, [&](db::transaction& tx, std::uint32_t slot) -> task<> {
      for (int i = 0; i < entries; ++i) co_await tx.insert(entry{.customer_id = made.id, .slot = slot, .number = i});
    });
    co_return made;
  }
  task<std::int64_t> entries_of(id_of<customer> id) {
    co_return co_await all_->read(
        id, [&](db::session& in) { return in.from<entry>().where(db::col<&entry::customer_id> == id).count(); });
  }
};

}  // namespace slipway::sharding::tests
