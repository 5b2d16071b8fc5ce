// Tells whoever watches what happens to their notes, as server-sent events.
//
// It is a listener of the services and the controller of GET /v1/notes/events. Each person is a topic of their own, so
// nobody hears of another's notes. Of this process alone: where several serve one database, a watcher hears what was
// done through its own.
#pragma once

#include "services/listeners.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/content/event_stream.hpp>

namespace app::controllers {

class note_events final : public services::note_listener, public services::session_listener {
 public:
  note_events(shards& on, content::event_settings settings, clock_source const& clock);

  // Ends with the session, and when the access token runs out: come back with a new one and Last-Event-ID.
  task<result<event_feed>> listen(scope who, header<"Last-Event-ID"> last);
  // Ends every stream: before the server drains.
  void close() { hub_.close(); }
  content::event_hub::counters count() const noexcept { return hub_.count(); }

  void happened(scope who, note_happening what, note const& n) override;
  void imported(scope who, std::size_t count) override;
  void session_ended(id_of<user> owner, uuid session) override;
  void sessions_ended(id_of<user> owner, std::optional<uuid> except) override;

 private:
  void publish(scope who, note_happening what, note_event const& e);

  content::event_hub hub_;
  clock_source const& clock_;
};

}  // namespace app::controllers
