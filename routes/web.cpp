#include "routes/routes.hpp"

namespace app::routes {

void web(router& r, controllers::web& c) {
  using http::method;
  c.reserve(r.table());
  r.raw(method::get, "/",        [&c](http::exchange& x) { return c.show(x); }, {.summary = "The front end's first page", .access = everyone, .name = "web.index", .hidden = true});
  r.raw(method::get, "/{*path}", [&c](http::exchange& x) { return c.show(x); }, {.summary = "The front end's files",      .access = everyone, .name = "web.files", .hidden = true});
}

}  // namespace app::routes
