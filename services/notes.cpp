#include "services/notes.hpp"

namespace app::services {

namespace {

void apply(note_change const& in, note& to) {
  in.title.apply_to(to.title);
  in.body.apply_to(to.body);
  in.tags.apply_to(to.tags);
  in.pinned.apply_to(to.pinned);
}

}  // namespace

task<result<page<note>>> notes::list(scope who, note_query query) {
  co_return co_await rows_.list(who, std::move(query));
}

task<result<note>> notes::create(scope who, new_note in) {
  auto const now = clock_.now();
  auto n = co_await ok(rows_.insert(who, {.id = id_of<note>::make(clock_),
                                          .owner_id = who.user(),
                                          .title = std::move(in.title),
                                          .body = std::move(in.body),
                                          .tags = std::move(in.tags),
                                          .pinned = in.pinned,
                                          .created_at = now,
                                          .updated_at = now}));
  listener_.happened(who, note_happening::created, n);
  co_return n;
}

task<result<note>> notes::show(scope who, id_of<note> id) { co_return co_await rows_.find(who, id); }

task<result<note>> notes::change(scope who, id_of<note> id, note_change in) {
  auto n = co_await ok(rows_.edit(who, id, [&in](note& row) { apply(in, row); }));
  listener_.happened(who, note_happening::changed, n);
  co_return n;
}

task<result<note>> notes::change(scope who, note seen, note_change in) {
  apply(in, seen);
  auto n = co_await ok(rows_.update(who, std::move(seen)));
  listener_.happened(who, note_happening::changed, n);
  co_return n;
}

task<result<void>> notes::remove(scope who, id_of<note> id, std::optional<std::int64_t> expected) {
  co_await ok(rows_.remove(who, id, expected));
  listener_.happened(who, note_happening::deleted, {.id = id});
  co_return result<void>{};
}

// Deleting counts as a change.
task<result<std::int64_t>> notes::deleted_version(scope who, id_of<note> id) {
  co_return (co_await ok(rows_.find_deleted(who, id))).version - 1;
}

task<result<note>> notes::restore(scope who, id_of<note> id, std::optional<std::int64_t> expected) {
  if (expected) ++*expected;
  co_await ok(rows_.restore(who, id, expected));
  auto n = co_await ok(rows_.find(who, id));
  listener_.happened(who, note_happening::restored, n);
  co_return n;
}

task<result<std::size_t>> notes::import_all(scope who, std::vector<note_record> in) {
  std::vector<note> rows;
  rows.reserve(in.size());
  for (auto& n : in)
    rows.push_back({.id = id_of<note>::make(clock_),
                    .owner_id = who.user(),
                    .title = std::move(n.title),
                    .body = std::move(n.body),
                    .tags = std::move(n.tags),
                    .pinned = n.pinned,
                    .created_at = n.created_at.value_or(time_point{}),
                    .updated_at = n.updated_at.value_or(time_point{})});
  auto const count = rows.size();
  if (count == 0) co_return count;
  co_await ok(rows_.insert_all(who, std::move(rows)));
  listener_.imported(who, count);
  co_return count;
}

}  // namespace app::services
