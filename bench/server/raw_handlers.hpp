#pragma once

#include "bench/server/models.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/core/random.hpp>
#include <slipway/core/task.hpp>
#include <slipway/db/database.hpp>

namespace bench {

using namespace slipway;

// The database endpoints of `handlers` with SQL written by hand and cells read by hand: the driver without the typed
// layer. Their answers are the same.
class raw_handlers {
 public:
  explicit raw_handlers(db::session& db, random_source& random = system_random()) : db_{db}, random_{random} {}

  task<result<world>> one();
  task<result<std::vector<world>>> queries(query<count_query> in);
  task<result<std::vector<world>>> updates(query<count_query> in);
  task<result<entry>> insert();
  task<result<author_view>> eager();
  task<result<transfer_view>> transaction();

 private:
  std::int32_t number(std::uint64_t most = 10'000);
  task<world> any();
  task<std::vector<world>> several(int count);

  db::session& db_;
  random_source& random_;
};

}  // namespace bench
