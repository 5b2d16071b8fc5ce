// Accounts in the database. Throws when the database is unreachable.
#pragma once

#include "models/user.hpp"

#include <slipway/db/database.hpp>

namespace app::repositories {

class users {
 public:
  explicit users(db::session& db) : db_{db} {}

  // conflict email_taken. Addresses are lower case here and below.
  task<result<user>> insert(user row);
  task<bool> exists(std::string email);
  // not_found for closed accounts too.
  task<result<user>> find(id_of<user> id);
  // In a transaction: nobody else changes the account or its sessions until it ends. not_found as above.
  task<result<user>> hold(id_of<user> id);
  task<std::optional<user>> find_by_email(std::string email);
  task<result<user>> update(user row);
  task<> set_password_hash(id_of<user> id, std::string hash);
  // For good. Nothing in the database may name the account any more.
  task<result<void>> purge(id_of<user> id);
  // malformed bad_cursor.
  task<result<page<user>>> list(user_query query);

 private:
  db::session& db_;
};

}  // namespace app::repositories
