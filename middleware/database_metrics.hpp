// What the database's connections tell about themselves, read when somebody asks.
#pragma once

#include <slipway/db/database.hpp>
#include <slipway/metrics/registry.hpp>
#include <slipway/query_health/statistics.hpp>

namespace app::middleware {

using namespace slipway;

// db_connections_open and _in_use, db_queries_total, db_errors_total (of the engine), db_waits_total and
// db_wait_seconds_total (for a connection of one's own), db_refused_total (queue full), db_connects_total and
// db_reconnects_total. The database must outlive the subscription.
metrics::registry::subscription database_metrics(metrics::registry& all, db::database const& of);

// For a database with replicas: db_reads_total, db_replica_lag_bytes and _seconds and db_server_part for each server,
// db_read_fallbacks_total by reason, db_failovers_total.
metrics::registry::subscription replica_metrics(metrics::registry& all, db::database const& of);

// Of the process that takes them: db_size_bytes, db_oldest_transaction_seconds, and db_table_live_rows, _dead_rows,
// _size_bytes and _wasted_bytes for the tables that waste most.
metrics::registry::subscription statistics_metrics(metrics::registry& all, query_health::statistics_sampler const& of);

}  // namespace app::middleware
