#include "routes/routes.hpp"

namespace app::routes {

using namespace std::chrono_literals;

void notes(router& r, controllers::notes& c, std::size_t import_size) {
  r.get  ("/v1/notes",              c, &controllers::notes::list,    {.summary = "List the own notes", .access = signed_in, .faults = {malformed("bad_cursor")}, .name = "notes.list", .sparse = true});
  r.post ("/v1/notes",              c, &controllers::notes::create,  {.summary = "Write a note",       .access = signed_in, .faults = {not_found}, .name = "notes.create", .idempotency_key = true});
  r.get  ("/v1/notes/{id}",         c, &controllers::notes::show,    {.summary = "Show a note",        .access = signed_in, .name = "notes.show", .sparse = true});
  r.patch("/v1/notes/{id}",         c, &controllers::notes::change,  {.summary = "Change a note",      .access = signed_in, .name = "notes.change"});
  r.del  ("/v1/notes/{id}",         c, &controllers::notes::remove,  {.summary = "Delete a note",      .access = signed_in, .name = "notes.delete"});
  r.post ("/v1/notes/{id}/restore", c, &controllers::notes::restore, {.summary = "Bring a deleted note back", .description = "If-Match, if it is sent, names the version that was deleted.", .access = signed_in, .name = "notes.restore"});
  r.get  ("/v1/notes/export",       c, &controllers::notes::export_all,  {.summary = "Download the own notes", .description = "Oldest first, as NDJSON or CSV, made while it is read.", .access = signed_in, .faults = {not_acceptable}, .name = "notes.export", .time_limit = 10min, .answer_media_type = "application/x-ndjson", .other_media_types = {"text/csv"}});
  r.post ("/v1/notes/import",       c, &controllers::notes::import_file, {.summary = "Upload notes", .description = "A form with one part `file`: NDJSON, or CSV as the export writes it. All notes are taken or none; `errors` names each wrong line. They are new notes: ids are passed over, times are kept.", .access = signed_in, .faults = {unsupported_media_type, not_found}, .name = "notes.import", .body_limit = import_size, .time_limit = 2min});
}

}  // namespace app::routes
