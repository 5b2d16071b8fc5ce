#pragma once

#include "bench/server/models.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/core/random.hpp>
#include <slipway/core/task.hpp>
#include <slipway/db/database.hpp>

namespace bench {

using namespace slipway;

class handlers {
 public:
  explicit handlers(db::session& db, random_source& random = system_random()) : db_{db}, random_{random} {}

  task<> plaintext(http::exchange& x) const;
  task<result<message>> json();
  task<result<world>> one();
  task<result<std::vector<world>>> queries(query<count_query> in);
  task<result<std::vector<world>>> updates(query<count_query> in);
  task<result<payload>> fortunes();
  task<result<entry>> insert();
  task<result<author_view>> eager();
  task<result<transfer_view>> transaction();
  task<result<accepted_order>> validated(body<order> in);

 private:
  std::int32_t number(std::uint64_t most = 10'000);
  task<result<world>> any();
  task<result<std::vector<world>>> several(int count);

  db::session& db_;
  random_source& random_;
};

}  // namespace bench
