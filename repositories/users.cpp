#include "repositories/users.hpp"

namespace app::repositories {

using namespace slipway::db;

task<result<user>> users::insert(user row) {
  return or_fault(db_.insert(std::move(row)), db::unique_key<&user::email>, fault::conflict("email_taken"));
}

task<bool> users::exists(std::string email) {
  // Also of a row that an operator has marked as deleted, whose address is taken.
  return db_.from<user>().with_deleted().where(col<&user::email> == email).exists();
}

task<result<user>> users::find(id_of<user> id) { return db_.find<user>(id); }

task<result<user>> users::hold(id_of<user> id) {
  auto row = co_await db_.from<user>().where(col<&user::id> == id).for_update().first();
  if (!row) co_return fault::not_found();
  co_return std::move(*row);
}

task<std::optional<user>> users::find_by_email(std::string email) {
  return db_.from<user>().where(col<&user::email> == email).first();
}

task<result<user>> users::update(user row) { return db_.update(std::move(row)); }

task<> users::set_password_hash(id_of<user> id, std::string hash) {
  co_await db_.update<user>().set(col<&user::password_hash>, hash).where(col<&user::id> == id).run();
}

task<result<void>> users::purge(id_of<user> id) {
  if (co_await db_.purge<user>().where(col<&user::id> == id).run() == 0) co_return fault::not_found();
  co_return result<void>{};
}

task<result<page<user>>> users::list(user_query query) {
  auto all = db_.from<user>().order_by(asc<&user::id>);
  if (!query.q.empty()) all.where(col<&user::email>.contains(query.q) || col<&user::name>.contains(query.q));
  if (query.role) all.where(col<&user::role> == *query.role);
  co_return co_await all.page(query.cursor, static_cast<std::size_t>(query.limit));
}

}  // namespace app::repositories
