// Notes: a person's own, and nobody else's. They go with the account; a token that outlives it makes none: not_found.
#pragma once

#include "models/note_file.hpp"
#include "repositories/notes.hpp"
#include "services/listeners.hpp"

#include <slipway/core/task.hpp>

namespace app::services {

class notes {
 public:
  notes(repositories::notes& rows, note_listener& listener, clock_source const& clock)
      : rows_{rows}, listener_{listener}, clock_{clock} {}

  task<result<page<note>>> list(scope who, note_query query);
  task<result<note>> create(scope who, new_note in);
  task<result<note>> show(scope who, id_of<note> id);
  // Whoever else changes it at the same time is waited for.
  task<result<note>> change(scope who, id_of<note> id, note_change in);
  // precondition_failed when somebody changed it since it was read as `seen`.
  task<result<note>> change(scope who, note seen, note_change in);
  // With `expected`: precondition_failed unless it is the note's present version.
  task<result<void>> remove(scope who, id_of<note> id, std::optional<std::int64_t> expected);
  // The version that was deleted, the last that anybody saw. not_found unless the note is deleted.
  task<result<std::int64_t>> deleted_version(scope who, id_of<note> id);
  // not_found unless the note was deleted before; with `expected`, precondition_failed unless that version was.
  task<result<note>> restore(scope who, id_of<note> id, std::optional<std::int64_t> expected);
  // Makes a new note of each, all or none, with the times that it had; returns how many.
  task<result<std::size_t>> import_all(scope who, std::vector<note_record> in);

 private:
  repositories::notes& rows_;
  note_listener& listener_;
  clock_source const& clock_;
};

}  // namespace app::services
