// What the process and the runtime tell about themselves, read when somebody asks.
#pragma once

#include <slipway/metrics/registry.hpp>
#include <slipway/runtime/blocking_pool.hpp>
#include <slipway/runtime/shards.hpp>

namespace slipway::metrics {

// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds,
// process_max_fds, process_threads, process_start_time_seconds (from /proc; what cannot be read is left out) and
// slipway_bugs_total.
registry::subscription process_metrics(registry& all);
// runtime_loop_lag_seconds by shard. `on` must outlive the subscription.
registry::subscription runtime_metrics(registry& all, shards& on);
// pool_queued, pool_running, pool_jobs_total and pool_refused_total by pool. The pools must outlive the subscription.
registry::subscription pool_metrics(registry& all, std::vector<blocking_pool const*> pools);

}  // namespace slipway::metrics
