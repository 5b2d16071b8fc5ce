// Which path goes to which handler, who may call it, and what it is for. One file a feature, each readable as a table.
#pragma once

#include "controllers/documents.hpp"
#include "controllers/note_events.hpp"
#include "controllers/notes.hpp"
#include "controllers/preferences.hpp"
#include "controllers/profiles.hpp"
#include "controllers/queries.hpp"
#include "controllers/sessions.hpp"
#include "controllers/system.hpp"
#include "controllers/users.hpp"
#include "controllers/web.hpp"
#include "models/roles.hpp"

#include <slipway/api/router.hpp>

namespace app::routes {

using namespace slipway::api;

void users(router& r, controllers::users& c);
void preferences(router& r, controllers::preferences& c);
void sessions(router& r, controllers::sessions& c);
// An import is a form of at most `import_size` bytes.
void notes(router& r, controllers::notes& c, std::size_t import_size);
void note_events(router& r, controllers::note_events& c);
// The OpenAPI document and the page to try it from.
void documents(router& r, controllers::documents const& c);
// Health and version.
void system(router& r, controllers::system& c);
void metrics(router& r, controllers::system& c);
void queries(router& r, controllers::queries& c);
void profiles(router& r, controllers::profiles& c);
// Last: every path that no other route has.
void web(router& r, controllers::web& c);

}  // namespace app::routes
