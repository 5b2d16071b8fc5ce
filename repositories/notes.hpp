// Notes in the database. Every method asks for the scope first: there is no way to a note but through its owner.
#pragma once

#include "models/note.hpp"

#include <slipway/db/database.hpp>

namespace app::repositories {

class notes {
 public:
  explicit notes(db::session& db) : db_{db} {}

  // malformed bad_cursor.
  task<result<page<note>>> list(scope who, note_query query);
  task<note> insert(scope who, note row);
  // All or none.
  task<> insert_all(scope who, std::vector<note> rows);
  // not_found also for notes of others and deleted ones.
  task<result<note>> find(scope who, id_of<note> id);
  // precondition_failed when somebody changed the note since it was read.
  task<result<note>> update(scope who, note row);
  task<result<void>> remove(scope who, id_of<note> id);
  task<result<void>> restore(scope who, id_of<note> id);

 private:
  db::session& db_;
};

}  // namespace app::repositories
