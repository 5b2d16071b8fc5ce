#include "routes/routes.hpp"

namespace app::routes {

void preferences(router& r, controllers::preferences& c) {
  r.get("/v1/users/me/preferences", c, &controllers::preferences::show, {.summary = "Show the own preferences", .description = "One JSON object for each account, whose content is the front end's business; empty until it is saved.", .access = signed_in, .name = "users.me.preferences.show"});
  r.put("/v1/users/me/preferences", c, &controllers::preferences::save, {.summary = "Save the own preferences", .description = "The whole object. If-Match with the tag of the last answer keeps two front ends from overwriting each other.", .access = signed_in, .faults = {not_found}, .name = "users.me.preferences.save", .body_limit = 64 << 10});
}

}  // namespace app::routes
