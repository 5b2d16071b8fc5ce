#include "routes/routes.hpp"

namespace app::routes {

using namespace std::chrono_literals;

void note_events(router& r, controllers::note_events& c) {
  r.get("/v1/notes/events", c, &controllers::note_events::listen, {.summary = "Watch the own notes", .description = "Server-sent events `note.created`, `note.changed`, `note.restored` (with `id` and `etag`), `note.deleted` (with `id`) and `note.imported` (with `count`), from all sessions. `Last-Event-ID` brings what was missed; `reset` says that it is no longer known: read the list anew. `end` comes when the session or the access token is over. Heartbeats are comments.", .access = signed_in, .name = "notes.events", .time_limit = 0ms, .examples = {{"Last-Event-ID", R"("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")"}}});
}

}  // namespace app::routes
