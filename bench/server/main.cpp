// The endpoints that the frameworks are compared on, with what a real service has in the way: deadline, request id,
// access log, metrics, limits, security headers. Settings are the service's own:
//
//   bench_server --http.listen=127.0.0.1:9000 --database.url=postgres://... --log.access.sample=100
#include "bench/server/handlers.hpp"
#include "bench/server/raw_handlers.hpp"
#include "config/settings.hpp"

#include <slipway/api/observation.hpp>
#include <slipway/api/problem.hpp>
#include <slipway/api/router.hpp>
#include <slipway/config/loader.hpp>
#include <slipway/content/rate_limit.hpp>
#include <slipway/content/security_headers.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/http/server.hpp>

#include <csignal>
#include <cstdio>

namespace {

using namespace slipway;

// By hand what the typed layer does, over the same connections: what that layer costs is the difference.
void add_raw_routes(api::router& r, bench::raw_handlers& c) {
  using api::everyone;
  r.get("/raw/db", c, &bench::raw_handlers::one, {.summary = "A row", .access = everyone});
  r.get("/raw/queries", c, &bench::raw_handlers::queries, {.summary = "Rows", .access = everyone});
  r.get("/raw/updates", c, &bench::raw_handlers::updates, {.summary = "Changed rows", .access = everyone});
  r.get("/raw/insert", c, &bench::raw_handlers::insert, {.summary = "A new row", .access = everyone});
  r.get("/raw/eager", c, &bench::raw_handlers::eager, {.summary = "A row and its rows", .access = everyone});
  r.get("/raw/transaction", c, &bench::raw_handlers::transaction, {.summary = "A transaction", .access = everyone});
}

void add_routes(api::router& r, bench::handlers& c) {
  using api::everyone;
  r.raw(http::method::get, "/plaintext", [&c](http::exchange& x) { return c.plaintext(x); },
        {.summary = "Text", .access = everyone});
  r.get("/json", c, &bench::handlers::json, {.summary = "A document", .access = everyone});
  r.get("/db", c, &bench::handlers::one, {.summary = "A row", .access = everyone, .faults = {api::not_found}});
  r.get("/queries", c, &bench::handlers::queries, {.summary = "Rows", .access = everyone});
  r.get("/updates", c, &bench::handlers::updates, {.summary = "Changed rows", .access = everyone});
  r.get("/fortunes", c, &bench::handlers::fortunes,
        {.summary = "A page", .access = everyone, .answer_media_type = "text/html"});
  r.get("/insert", c, &bench::handlers::insert, {.summary = "A new row", .access = everyone});
  r.get("/eager", c, &bench::handlers::eager,
        {.summary = "A row and its rows", .access = everyone, .faults = {api::not_found}});
  r.get("/transaction", c, &bench::handlers::transaction,
        {.summary = "A transaction", .access = everyone, .faults = {api::not_found}});
  r.post("/validated", c, &bench::handlers::validated, {.summary = "A checked document", .access = everyone});
}

sigset_t ending() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT}) ::sigaddset(&set, s);
  return set;
}

int serve(config::sources const& sources) {
  auto const signals = ending();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  auto const loaded = config::load<app::settings>(sources);
  auto const& s = loaded.value;

  log::journal journal{s.log};
  log::access_log access{journal, s.log.access};
  shards on{s.runtime.shards};
  metrics::registry registry{on.size()};
  auto database = db::connect(s.database, on);

  bench::handlers pages{database};
  bench::raw_handlers raw_pages{database};
  api::router routes;
  add_routes(routes, pages);
  add_raw_routes(routes, raw_pages);
  std::vector<std::string> patterns;
  for (auto const& r : routes.table().routes()) patterns.push_back(r->pattern);
  metrics::http_metrics http_metrics{registry, std::move(patterns)};
  api::observation observation{on.size(), {access, http_metrics}};
  auto const security = content::make_security_headers();
  content::rate_limiter limits{
      {.everyone = {s.limits.requests, std::chrono::duration_cast<std::chrono::seconds>(s.limits.window)}}, on.size()};

  http::server server{
      on,
      s.http,
      {routes.table(), {&observation, security.get(), &limits}, api::write_error_page, api::write_exception}};
  server.start();
  int got = 0;
  while (::sigwait(&signals, &got) != 0) {}
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
