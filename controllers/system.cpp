#include "controllers/system.hpp"

#include <slipway/json/writer.hpp>

namespace app::controllers {

payload system::page_of(health::report const& r) const {
  health_view out{std::string{health::to_string(r.status)}, r.reason, {}};
  for (auto const& c : r.checks)
    out.checks.push_back({c.name, std::string{health::to_string(c.status)}, c.critical,
                          static_cast<double>(c.duration.count()) / 1000, parts_.details ? c.detail : std::string{}});
  return {.media_type = "application/json",
          .bytes = json::write(out),
          .cache_control = "no-store",
          .status = r.serves() ? 200 : 503};
}

task<result<payload>> system::live() { co_return page_of(parts_.health.live()); }
task<result<payload>> system::startup() { co_return page_of(parts_.health.startup()); }
task<result<payload>> system::ready() { co_return page_of(co_await parts_.health.ready()); }

task<result<payload>> system::metrics(header<"Accept"> accept) {
  auto const format = metrics::negotiate(accept.value);
  co_return payload{std::string{metrics::content_type(format)}, parts_.metrics.render(format), "no-store"};
}

task<result<version_view>> system::version() { co_return parts_.version; }

}  // namespace app::controllers
