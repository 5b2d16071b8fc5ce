// Who wants to know of what services have done. Told after it is done and kept, on the shard that did it; what a
// listener does must be quick.
#pragma once

#include "models/note_event.hpp"

namespace app::services {

class note_listener {
 public:
  virtual ~note_listener() = default;
  // `n` is the note as it is now; of a deleted one only the id is known.
  virtual void happened(scope who, note_happening what, note const& n) = 0;
  virtual void imported(scope who, std::size_t count) = 0;
};

class session_listener {
 public:
  virtual ~session_listener() = default;
  virtual void session_ended(id_of<user> owner, uuid session) = 0;
  // All of them but one, if it is said.
  virtual void sessions_ended(id_of<user> owner, std::optional<uuid> except) = 0;
};

}  // namespace app::services
