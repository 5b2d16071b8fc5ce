// A cluster of real databases for each test: a control database and nodes, on PostgreSQL or as SQLite files.
#pragma once

#include "../../db/tests/fixture.hpp"

#include <slipway/json/value.hpp>
#include <slipway/sharding/mover.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

namespace slipway::sharding::tests {

struct customer {
  id_of<customer> id;
  std::int64_t slot = 0;
  std::string name;
  std::int64_t balance = 0;
  json::value extra;
  time_point created_at, updated_at;
};
BOOST_DESCRIBE_STRUCT(customer, (), (id, slot, name, balance, extra, created_at, updated_at))

// Lies with its customer.
struct entry {
  id_of<entry> id;
  id_of<customer> customer_id;
  std::int64_t slot = 0;
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(entry, (), (id, customer_id, slot, number))

// The tables above, parents first.
tables all_tables();
// The same, as settings name them.
tables tables_without_models();
char const* schema_of(db::dialect d) noexcept;

// Names a, b, c, ... in this order.
settings settings_for(std::vector<std::string> const& urls);

class sharded_case : public testing::Test {
 protected:
  // A new cluster with so many nodes and slots; false: skipped, with the reason said.
  bool make(db::dialect d, std::size_t nodes, std::uint32_t slots, std::function<void(settings&)> change = {});
  // One more view of it, as another process has.
  std::unique_ptr<cluster> another();
  void TearDown() override;

  template <class T>
  T run(task<T> work) {
    return on_.run(std::move(work));
  }
  mover a_mover(mover_options o = {}) { return mover{*all_, tables_, std::move(o)}; }
  // A customer whose key is in this slot.
  customer customer_in(std::uint32_t slot);
  task<std::int64_t> count(std::uint32_t node, std::string table);

  // From another shard, because the first is in the mover.
  template <class F>
  void meanwhile(F work) {
    std::binary_semaphore done{0};
    on_[1].spawn([](F does, std::binary_semaphore& end) -> task<> {
      co_await does();
      end.release();
    }(std::move(work), done));
    done.acquire();
  }

  shards on_{2};
  db::settings base_;
  sharding::settings settings_;
  tables tables_ = all_tables();
  std::string control_url_;
  std::unique_ptr<db::database> control_;
  std::unique_ptr<cluster> all_;
  std::filesystem::path directory_;
};

}  // namespace slipway::sharding::tests

template <>
inline constexpr auto slipway::db::table_of<slipway::sharding::tests::customer> =
    table<slipway::sharding::tests::customer>("customers")
        .sharded_by(&slipway::sharding::tests::customer::id, &slipway::sharding::tests::customer::slot)
        .timestamps(&slipway::sharding::tests::customer::created_at, &slipway::sharding::tests::customer::updated_at);
template <>
inline constexpr auto slipway::db::table_of<slipway::sharding::tests::entry> =
    table<slipway::sharding::tests::entry>("entries").sharded_by(&slipway::sharding::tests::entry::customer_id,
                                                                 &slipway::sharding::tests::entry::slot);
