// Refresh tokens in the database, by the hash of each. A token is itself the proof of who owns it, so these take no
// scope. What adds or ends tokens is done in a transaction that holds the account (users::hold): two statements at once
// see nothing of each other, so a token could be added while its family is revoked.
#pragma once

#include "models/session.hpp"

#include <slipway/db/database.hpp>

namespace app::repositories {

class refresh_tokens {
 public:
  explicit refresh_tokens(db::session& db) : db_{db} {}

  task<> insert(refresh_token row);
  task<std::optional<refresh_token>> find_by_hash(std::string hash);
  task<> mark_used(uuid id, time_point now);
  task<> revoke_family(uuid family, time_point now);
  // All there ever were: for an account that goes.
  task<> purge_all(id_of<user> owner);
  task<> revoke_all_but(id_of<user> owner, uuid family, time_point now);
  // Those of the user that can still be renewed, the last used first; at most 100.
  task<std::vector<session_view>> sessions_of(id_of<user> owner, time_point now);
  // not_found also for sessions of others, and for those that are over.
  task<result<void>> end_session(id_of<user> owner, uuid family, time_point now);
  // Removes what ended before `until`; the number of rows.
  task<std::int64_t> purge_expired(time_point until);

 private:
  db::session& db_;
};

}  // namespace app::repositories
