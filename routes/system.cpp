#include "routes/routes.hpp"

namespace app::routes {

void system(router& r, controllers::system& c) {
  r.get("/health/live",    c, &controllers::system::live,    {.summary = "Is the process alive?",   .access = everyone, .unlimited = true, .name = "health.live"});
  r.get("/health/ready",   c, &controllers::system::ready,   {.summary = "Can it serve?",           .access = everyone, .unlimited = true, .name = "health.ready"});
  r.get("/health/startup", c, &controllers::system::startup, {.summary = "Has it started?",         .access = everyone, .unlimited = true, .name = "health.startup"});
  r.get("/version",        c, &controllers::system::version, {.summary = "Which version this is",   .access = everyone, .name = "version"});
}

void metrics(router& r, controllers::system& c) {
  r.get("/metrics", c, &controllers::system::metrics, {.summary = "Metrics for Prometheus", .access = everyone, .name = "metrics", .hidden = true, .answer_media_type = "text/plain"});
}

}  // namespace app::routes
