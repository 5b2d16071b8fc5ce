#include "controllers/system.hpp"

#include <slipway/content/fields.hpp>

namespace app::controllers {

system::health_page system::page_of(health::report const& r) const {
  health_view out{std::string{health::to_string(r.status)}, r.reason, {}};
  for (auto const& c : r.checks)
    out.checks.push_back({c.name, std::string{health::to_string(c.status)}, c.critical,
                          static_cast<double>(c.duration.count()) / 1000, parts_.details ? c.detail : std::string{}});
  return {.status = r.serves() ? 200 : 503, .value = std::move(out), .cache_control = "no-store"};
}

task<result<system::health_page>> system::live() { co_return page_of(parts_.health.live()); }
task<result<system::health_page>> system::startup() { co_return page_of(parts_.health.startup()); }
task<result<system::health_page>> system::ready() { co_return page_of(co_await parts_.health.ready()); }

task<result<payload>> system::metrics(http::exchange& x, header<"Accept"> accept) {
  content::add_vary(x, "Accept");
  auto const format = metrics::negotiate(accept.value);
  co_return payload{std::string{metrics::content_type(format)}, parts_.metrics.render(format), "no-store"};
}

task<result<version_view>> system::version() { co_return parts_.version; }

}  // namespace app::controllers
