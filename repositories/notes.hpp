// Notes in the database. Every method asks for the scope first: there is no way to a note but through its owner. For an
// account that is closed, what would make or change one is not_found.
#pragma once

#include "models/note.hpp"

#include <slipway/db/database.hpp>

#include <functional>

namespace app::repositories {

class notes {
 public:
  explicit notes(db::session& db) : db_{db} {}

  // malformed bad_cursor.
  task<result<page<note>>> list(scope who, note_query query);
  task<result<note>> insert(scope who, note row);
  // All or none.
  task<result<void>> insert_all(scope who, std::vector<note> rows);
  // not_found also for notes of others and deleted ones.
  task<result<note>> find(scope who, id_of<note> id);
  // precondition_failed when somebody changed the note since it was read.
  task<result<note>> update(scope who, note row);
  // Whichever version there is: nobody else changes the note between `change` and the write. `change` may be called more
  // than once, each time with the note as it is.
  task<result<note>> edit(scope who, id_of<note> id, std::function<void(note&)> change);
  // The same for deleted ones alone.
  task<result<note>> find_deleted(scope who, id_of<note> id);
  // With `expected`: precondition_failed unless it is the version of the row as it is now, deleted or not.
  task<result<void>> remove(scope who, id_of<note> id, std::optional<std::int64_t> expected);
  task<result<void>> restore(scope who, id_of<note> id, std::optional<std::int64_t> expected);
  // All of the account's, those that are deleted too, for good.
  task<> purge_all(scope who);

 private:
  db::session& db_;
};

}  // namespace app::repositories
