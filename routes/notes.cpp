#include "routes/routes.hpp"

namespace app::routes {

void notes(router& r, controllers::notes& c) {
  r.get  ("/v1/notes",              c, &controllers::notes::list,    {.summary = "List the own notes", .access = signed_in, .faults = {malformed("bad_cursor")}, .name = "notes.list", .sparse = true});
  r.post ("/v1/notes",              c, &controllers::notes::create,  {.summary = "Write a note",       .access = signed_in, .name = "notes.create", .idempotency_key = true});
  r.get  ("/v1/notes/{id}",         c, &controllers::notes::show,    {.summary = "Show a note",        .access = signed_in, .name = "notes.show", .sparse = true});
  r.patch("/v1/notes/{id}",         c, &controllers::notes::change,  {.summary = "Change a note",      .access = signed_in, .name = "notes.change"});
  r.del  ("/v1/notes/{id}",         c, &controllers::notes::remove,  {.summary = "Delete a note",      .access = signed_in, .name = "notes.delete"});
  r.post ("/v1/notes/{id}/restore", c, &controllers::notes::restore, {.summary = "Bring a deleted note back", .access = signed_in, .name = "notes.restore"});
}

}  // namespace app::routes
