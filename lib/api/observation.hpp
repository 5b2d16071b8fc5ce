// What every request leaves behind: its correlation id, its trace, its numbers and its line in the log. The outermost
// layer, so that it also sees what other layers refuse.
#pragma once

#include <slipway/core/random.hpp>
#include <slipway/http/router.hpp>
#include <slipway/log/access.hpp>
#include <slipway/log/correlation.hpp>
#include <slipway/metrics/http_metrics.hpp>
#include <slipway/runtime/shards.hpp>
#include <slipway/trace/tracer.hpp>

#include <memory>

namespace slipway::api {

class observation final : public http::middleware {
 public:
  struct parts {
    log::access_log& access;
    metrics::http_metrics& metrics;
    tracer* traces = nullptr;  // null: tracing is off
  };
  // Everything in `what` must outlive the layer.
  observation(unsigned shard_count, parts what);

  // Takes X-Request-Id over when it is harmless, else makes an id.
  bool before(http::exchange& x) override;
  void after(http::exchange& x) override;
  bool sees_unreadable() const noexcept override { return true; }

 private:
  void begin_trace(http::exchange& x);
  void end_trace(http::exchange& x, std::string_view route);
  void log(http::exchange const& x, std::string_view route, std::chrono::microseconds took);

  parts parts_;
  per_shard<std::unique_ptr<log::correlation_ids>> ids_;
};

}  // namespace slipway::api
