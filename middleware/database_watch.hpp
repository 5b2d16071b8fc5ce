// What each SQL statement leaves behind: a duration in the metrics and a span in the trace.
#pragma once

#include <slipway/db/settings.hpp>
#include <slipway/metrics/registry.hpp>

namespace app::middleware {

using namespace slipway;

class database_watch final : public db::observer {
 public:
  explicit database_watch(metrics::registry& all);
  void on_query(db::query_event const& event) noexcept override;

 private:
  metrics::histogram durations_;
  metrics::counter errors_;
};

}  // namespace app::middleware
