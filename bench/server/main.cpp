// The endpoints that the frameworks are compared on, with every layer of the real service in the way: deadline,
// request id, access log, metrics, limits, security headers, compression, authentication. Settings are the service's
// own: bench_server --http.listen=127.0.0.1:9000 --database.url=postgres://...
#include "bench/server/handlers.hpp"
#include "cmd/server/layers.hpp"
#include "cmd/server/signals.hpp"

#include <slipway/api/problem.hpp>
#include <slipway/config/loader.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/http/server.hpp>
#include <slipway/runtime/shards.hpp>

#include <cstdio>

namespace {

using namespace slipway;

void add_routes(api::router& r, bench::handlers& c) {
  using enum http::method;
  using api::everyone;
  r.raw(get, "/plaintext", [&c](http::exchange& x) { return c.plaintext(x); }, {.summary = "Text", .access = everyone});
  r.get("/json", c, &bench::handlers::json, {.summary = "A document", .access = everyone});
  r.get("/db", c, &bench::handlers::one, {.summary = "A row", .access = everyone, .faults = {api::not_found}});
  r.get("/queries", c, &bench::handlers::queries, {.summary = "Rows", .access = everyone});
  r.get("/updates", c, &bench::handlers::updates, {.summary = "Changed rows", .access = everyone});
  r.get("/fortunes", c, &bench::handlers::fortunes, {.summary = "A page", .access = everyone, .answer_media_type = "text/html"});
  r.post("/validated", c, &bench::handlers::validated, {.summary = "A checked document", .access = everyone});
}

int serve(config::sources const& sources) {
  app::take_signals();
  auto const loaded = config::load<app::settings>(sources);
  auto const& s = loaded.value;
  auto const& clock = system_clock();

  log::journal journal{s.log};
  log::access_log access{journal, s.log.access};
  shards on{s.runtime.shards};
  metrics::registry registry{on.size()};
  auto database = db::connect(s.database, on);
  auth::key_ring keys{s.auth.keys, clock};

  bench::handlers pages{database};
  api::router routes;
  add_routes(routes, pages);
  std::vector<std::string> patterns;
  for (auto const& r : routes.table().routes()) patterns.push_back(r->pattern);
  metrics::http_metrics http_metrics{registry, std::move(patterns)};
  app::layers between{{s, on.size(), keys, clock, {access, http_metrics}}, routes};

  http::server server{on, s.http, {routes.table(), between.all(), api::write_error_page, api::write_exception}};
  server.start();
  std::puts("ready");
  std::fflush(stdout);
  while (app::next_wish() == app::wish::reload) {
  }
  server.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  auto sources = config::process_sources();
  std::vector<std::string> arguments{argv + 1, argv + argc};
  sources.flags = config::take_flags(arguments);
  return serve(sources);
} catch (slipway::startup_error const& error) {
  std::fprintf(stderr, "bench_server: %s\n", error.what());
  return static_cast<int>(error.code());
}
