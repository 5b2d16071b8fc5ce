#include <slipway/redis/telemetry.hpp>

#include <slipway/redis/errors.hpp>
#include <slipway/trace/span.hpp>

#include <cctype>

namespace slipway::redis {

telemetry::telemetry(metrics::registry& all)
    : durations_{all.histogram("redis_command_duration_seconds", "Time from sending a command to its answer")} {
  auto const errors =
      all.counters("redis_command_errors_total", "Commands that failed, by what went wrong", metrics::labels{"kind"});
  refused_ = errors.with("refused");
  unavailable_ = errors.with("unavailable");
  cancelled_ = errors.with("cancelled");
  answered_with_error_ = errors.with("error");
}

void telemetry::on_command(command_event const& event) noexcept {
  durations_.observe(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(event.duration).count()));
  if (!event.error.empty()) {
    auto const& counter = event.error == "unavailable" ? unavailable_
                          : event.error == "cancelled" ? cancelled_
                          : passes(event.error)        ? refused_
                                                       : answered_with_error_;
    counter.add();
  }
  if (event.operation == nullptr || event.operation->span == nullptr) return;
  scoped_span span{event.operation, span_kind::client, event.name};
  if (!span) return;
  span.get()->start = event.began;
  span.set("db.system.name", "redis");
  span.set("db.operation.name", event.name);
  span.set("server.address", event.place);
  if (event.error.empty()) return;
  span.set("db.response.status_code", event.error);
  span.fail("the command failed");
}

std::vector<metrics::registry::subscription> client_metrics(metrics::registry& all, client const& of) {
  std::vector<metrics::registry::subscription> out;
  auto const add = [&](metrics::metric_kind kind, char const* name, char const* help, std::uint64_t usage::* what,
                       double scale = 1) {
    out.push_back(
        all.callback(kind, name, help, {}, [&of, what, scale] { return static_cast<double>(of.use().*what) / scale; }));
  };
  using enum metrics::metric_kind;
  add(counter, "redis_commands_total", "Commands that were asked for", &usage::commands);
  add(counter, "redis_errors_total", "Commands that failed", &usage::errors);
  add(counter, "redis_repeated_total", "Commands that were sent again after a loss", &usage::repeated);
  add(counter, "redis_redirected_total", "Commands that a cluster sent elsewhere", &usage::redirected);
  add(counter, "redis_refused_total", "Commands that found a queue full", &usage::refused);
  add(counter, "redis_waits_total", "Waits for a connection of one's own", &usage::waits);
  add(counter, "redis_wait_seconds_total", "Time spent in these waits", &usage::wait_time_us, 1e6);
  add(counter, "redis_connects_total", "Connections that were opened", &usage::connects);
  add(counter, "redis_connections_lost_total", "Connections that were lost", &usage::lost);
  add(counter, "redis_connect_errors_total", "Attempts to connect that failed", &usage::connect_errors);
  add(counter, "redis_topology_refreshes_total", "Looks for the servers of a cluster or the master of Sentinels",
      &usage::refreshes);
  add(counter, "redis_subscription_gaps_total", "Places in subscriptions where messages may be missing", &usage::gaps);
  add(counter, "redis_replica_reads_total", "Commands that a replica answered", &usage::replica_reads);
  add(counter, "redis_replica_fallbacks_total", "Commands that the primary answered though a replica was preferred",
      &usage::replica_fallbacks);
  add(gauge, "redis_replicas", "Replicas that may be read from", &usage::replicas);
  add(gauge, "redis_replica_lag_seconds", "How far the last of the connected replicas may be behind",
      &usage::replica_lag_us, 1e6);
  add(gauge, "redis_connections", "Shared connections that are open", &usage::open);
  add(gauge, "redis_sessions", "Connections of one's own that are in use", &usage::own);
  add(gauge, "redis_queue_depth", "Commands that wait to be sent or answered", &usage::depth);
  return out;
}

}  // namespace slipway::redis
