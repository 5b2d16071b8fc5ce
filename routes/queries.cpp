#include "routes/routes.hpp"

namespace app::routes {

void queries(router& r, controllers::queries& c) {
  r.get("/queries/slow", c, &controllers::queries::slow, {.summary = "Statements that took long", .access = everyone, .name = "queries.slow", .hidden = true});
}

}  // namespace app::routes
