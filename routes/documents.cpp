#include "routes/routes.hpp"

namespace app::routes {

void documents(router& r, controllers::documents const& c) {
  using http::method;
  r.raw(method::get, "/openapi.json",     [&c](http::exchange& x) { return c.openapi(x); },     {.summary = "This document",              .access = everyone, .faults = {precondition_failed}, .name = "documents.openapi", .conditional = true});
  r.raw(method::get, "/openapi-3.0.json", [&c](http::exchange& x) { return c.openapi_3_0(x); }, {.summary = "This document as OpenAPI 3.0", .access = everyone, .name = "documents.openapi_3_0", .hidden = true});
  r.raw(method::get, "/docs",             [&c](http::exchange& x) { return c.page(x); },        {.summary = "A page to try the API from",  .access = everyone, .name = "documents.page", .hidden = true});
  r.raw(method::get, "/docs/{*path}",     [&c](http::exchange& x) { return c.viewer(x); },      {.summary = "The page's scripts and styles", .access = everyone, .name = "documents.viewer", .hidden = true});
}

}  // namespace app::routes
