// What the service says of itself.
#pragma once

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/core/task.hpp>
#include <slipway/health/health.hpp>
#include <slipway/metrics/registry.hpp>

#include <string>

namespace app {

using namespace slipway;

struct version_view {
  std::string name;
  std::string version;
  std::string revision;
  std::string environment;
};
BOOST_DESCRIBE_STRUCT(version_view, (), (name, version, revision, environment))

struct check_view {
  std::string name;
  std::string status;
  bool critical = true;
  double duration_ms = 0;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(check_view, (), (name, status, critical, duration_ms, detail))

struct health_view {
  std::string status;
  std::string reason;
  std::vector<check_view> checks;
};
BOOST_DESCRIBE_STRUCT(health_view, (), (status, reason, checks))

}  // namespace app

template <>
inline constexpr auto slipway::rules_of<app::version_view> = slipway::rules(
    field(&app::version_view::name).example(R"("slipway")"), field(&app::version_view::version).example(R"("0.1.0")"),
    field(&app::version_view::revision).example(R"("4f2a91c")").help("Of the source"),
    field(&app::version_view::environment).example(R"("production")"));

template <>
inline constexpr auto slipway::rules_of<app::check_view> =
    slipway::rules(field(&app::check_view::name).example(R"("database")"),
                   field(&app::check_view::status).example(R"("up")").help("`up`, `degraded` or `down`"),
                   field(&app::check_view::critical).example("true").help("Without it nothing is served"),
                   field(&app::check_view::duration_ms).example("0.4"),
                   field(&app::check_view::detail).example(R"("")").help("What went wrong; for operators alone"));

template <>
inline constexpr auto slipway::rules_of<app::health_view> = slipway::rules(
    field(&app::health_view::status).example(R"("up")").help("`up`, `degraded` or `down`"),
    field(&app::health_view::reason).example(R"("")").help("`starting` or `draining`; empty when it is neither"));

namespace app::controllers {

class system {
 public:
  // `details`: whether health shows what went wrong, for operators alone.
  struct parts {
    health::monitor& health;
    metrics::registry const& metrics;
    version_view version;
    bool details = false;
  };
  explicit system(parts p) : parts_{std::move(p)} {}

  using health_page = with_status<health_view, 503>;

  task<result<health_page>> live();
  task<result<health_page>> startup();
  task<result<health_page>> ready();
  task<result<payload>> metrics(http::exchange& x, header<"Accept"> accept);
  task<result<version_view>> version();

 private:
  health_page page_of(health::report const& r) const;

  parts parts_;
};

}  // namespace app::controllers
