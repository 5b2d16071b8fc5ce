#include "repositories/notes.hpp"
#include "repositories/users.hpp"

namespace app::repositories {

using namespace slipway::db;

namespace {

condition<note> own(scope who) { return col<&note::owner_id> == id_of<user>{who.user()}; }

condition<note> own(scope who, id_of<note> id, std::optional<std::int64_t> expected) {
  auto which = col<&note::id> == id && own(who);
  if (expected) which = std::move(which) && col<&note::version> == *expected;
  return which;
}

// A token lives on for minutes when its account is closed. Nothing is made or changed with it, also where the account was
// only marked as deleted: the statement itself asks for it, at no further round trip.
condition<note> of_open_account() { return db::exists<user>(col<&user::id> == col<&note::owner_id>); }

// Who named a version has seen that it was there: whatever became of it, somebody was faster.
task<result<void>> changed(session& db, scope who, std::int64_t rows, bool version_was_named) {
  if (rows > 0) co_return result<void>{};
  auto const account = id_of<user>{who.user()};
  if (version_was_named && co_await db.from<user>().where(col<&user::id> == account).exists())
    co_return fault::precondition_failed("version_conflict");
  co_return fault::not_found();
}

order<note> order_of(note_order o) {
  switch (o) {
    case note_order::newest: return desc<&note::created_at>;
    case note_order::oldest: return asc<&note::created_at>;
    case note_order::title: return asc<&note::title>;
    case note_order::updated: return desc<&note::updated_at>;
  }
  return desc<&note::created_at>;
}

}  // namespace

task<result<page<note>>> notes::list(scope who, note_query query) {
  auto mine = db_.from<note>().where(own(who)).order_by(order_of(query.sort));
  if (!query.q.empty()) mine.where(col<&note::title>.contains(query.q) || col<&note::body>.contains(query.q));
  if (!query.tag.empty()) mine.where(col<&note::tags>.has(query.tag));
  if (query.pinned) mine.where(col<&note::pinned> == *query.pinned);
  co_return co_await mine.page(query.cursor, static_cast<std::size_t>(query.limit));
}

// Of a closed account the owner is null, which the table refuses. An account that is being closed is waited for; on
// PostgreSQL that has to be said, and the lock is the one that the foreign key takes anyway.
task<result<note>> notes::insert(scope who, note row) {
  std::string text{
      "insert into notes (id, owner_id, title, body, tags, pinned, version, created_at, updated_at) values "
      "($1, (select id from users where id = $2 and deleted_at is null"};
  if (db_.dialect() == dialect::postgres) text += " for key share";
  text += "), $3, $4, $5, $6, $7, $8, $9)";
  row.owner_id = who.user();
  try {
    co_await db_.execute(std::move(text), {row.id, row.owner_id, row.title, row.body, row.tags, row.pinned, row.version,
                                           row.created_at, row.updated_at});
    co_return std::move(row);
  } catch (constraint_error const& violated) {
    if (!violated.is("not_null(notes.owner_id)")) throw;
  }
  co_return fault::not_found();
}

task<result<void>> notes::insert_all(scope who, std::vector<note> rows) {
  for (auto& row : rows) row.owner_id = who.user();
  co_return co_await db_.transaction([&](transaction& tx) -> task<result<void>> {
    co_await ok(users{tx}.hold(who.user()));
    co_await tx.insert_many(rows);
    co_return result<void>{};
  });
}

task<result<note>> notes::find(scope who, id_of<note> id) {
  return db_.from<note>().where(col<&note::id> == id && own(who)).one();
}

task<result<note>> notes::update(scope who, note row) {
  return db_.update(std::move(row), own(who) && of_open_account());
}

task<result<note>> notes::edit(scope who, id_of<note> id, std::function<void(note&)> change) {
  co_return co_await db_.transaction([&](transaction& tx) -> task<result<note>> {
    auto row = co_await tx.from<note>().where(col<&note::id> == id && own(who)).for_update().first();
    if (!row) co_return fault::not_found();
    change(*row);
    co_return co_await notes{tx}.update(who, std::move(*row));
  });
}

task<result<note>> notes::find_deleted(scope who, id_of<note> id) {
  return db_.from<note>().only_deleted().where(col<&note::id> == id && own(who)).one();
}

task<result<void>> notes::remove(scope who, id_of<note> id, std::optional<std::int64_t> expected) {
  auto const rows = co_await db_.remove<note>().where(own(who, id, expected) && of_open_account()).run();
  co_return co_await changed(db_, who, rows, expected.has_value());
}

task<result<void>> notes::restore(scope who, id_of<note> id, std::optional<std::int64_t> expected) {
  auto const rows = co_await db_.restore<note>().where(own(who, id, expected) && of_open_account()).run();
  co_return co_await changed(db_, who, rows, expected.has_value());
}

task<> notes::purge_all(scope who) { co_await db_.purge<note>().where(own(who)).with_deleted().run(); }

}  // namespace app::repositories
