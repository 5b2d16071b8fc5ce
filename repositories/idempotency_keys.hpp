// Idempotency keys in the database: every node of the service sees them.
#pragma once

#include <slipway/api/idempotency.hpp>
#include <slipway/db/database.hpp>

namespace app::repositories {

using namespace slipway;

class idempotency_keys final : public api::idempotency_store {
 public:
  explicit idempotency_keys(db::session& db) : db_{db} {}

  task<api::idempotency_claim> claim(std::string key, std::string fingerprint, time_point now,
                                     time_point abandoned) override;
  task<> finish(std::string key, api::stored_answer answer) override;
  task<> release(std::string key) override;
  // Forgets keys that were claimed before `until`; the number of rows.
  task<std::int64_t> purge(time_point until);

 private:
  db::session& db_;
};

}  // namespace app::repositories
