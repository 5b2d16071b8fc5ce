// What a client leaves behind in metrics and traces.
#pragma once

#include <slipway/metrics/registry.hpp>
#include <slipway/redis/client.hpp>

#include <vector>

namespace slipway::redis {

// A duration for each command, errors by their code, and a client span in the trace of whoever asked. Given to the
// client as settings::watch, before `connect`.
class telemetry final : public observer {
 public:
  explicit telemetry(metrics::registry& all);
  void on_command(command_event const& event) noexcept override;

 private:
  metrics::histogram durations_;
  metrics::counter refused_, unavailable_, cancelled_, answered_with_error_;
};

// Counters and gauges of the client itself: connections, repeats, redirections, waits, what is on its way. The client
// must outlive them.
std::vector<metrics::registry::subscription> client_metrics(metrics::registry& all, client const& of);

}  // namespace slipway::redis
