// What happened to notes, as those who watch are told: what it was and which note, never what is in it.
#pragma once

#include "models/note.hpp"

namespace app {

enum class note_happening { created, changed, deleted, restored, imported };
BOOST_DESCRIBE_ENUM(note_happening, created, changed, deleted, restored, imported)

struct note_event {
  change<id_of<note>> id;      // absent of an import
  change<std::string> etag;    // of the note as it is now; absent once it is deleted
  change<std::int64_t> count;  // of an import: how many are new
};
BOOST_DESCRIBE_STRUCT(note_event, (), (id, etag, count))

}  // namespace app
