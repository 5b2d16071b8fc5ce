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

namespace controllers {

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

}  // namespace controllers
}  // namespace app
