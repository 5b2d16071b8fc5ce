#include "repositories/notes.hpp"

namespace app::repositories {

using namespace slipway::db;

namespace {

condition<note> own(scope who) { return col<&note::owner_id> == id_of<user>{who.user()}; }

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

task<note> notes::insert(scope who, note row) {
  row.owner_id = who.user();
  return db_.insert(std::move(row));
}

task<> notes::insert_all(scope who, std::vector<note> rows) {
  for (auto& row : rows) row.owner_id = who.user();
  co_await db_.insert_many(std::move(rows));
}

task<result<note>> notes::find(scope who, id_of<note> id) {
  return db_.from<note>().where(col<&note::id> == id && own(who)).one();
}

task<result<note>> notes::update(scope who, note row) {
  if (row.owner_id != id_of<user>{who.user()}) co_return fault::not_found();
  co_return co_await db_.update(std::move(row));
}

task<result<void>> notes::remove(scope who, id_of<note> id) {
  if (co_await db_.remove<note>().where(col<&note::id> == id && own(who)).run() == 0) co_return fault::not_found();
  co_return result<void>{};
}

task<result<void>> notes::restore(scope who, id_of<note> id) {
  if (co_await db_.restore<note>().where(col<&note::id> == id && own(who)).run() == 0) co_return fault::not_found();
  co_return result<void>{};
}

}  // namespace app::repositories
