#include "middleware/database_metrics.hpp"

#include <array>
#include <span>

namespace app::middleware {

metrics::registry::subscription database_metrics(metrics::registry& all, db::database const& of) {
  return all.collector([&of](metrics::writer& out) {
    auto const now = of.use();
    auto const gauge = [&out](std::string_view name, std::string_view help, std::uint64_t number) {
      out.family(name, help, metrics::metric_kind::gauge);
      out.value({}, number);
    };
    auto const counter = [&out](std::string_view name, std::string_view help, std::uint64_t number) {
      out.family(name, help, metrics::metric_kind::counter);
      out.value({}, number);
    };
    gauge("db_connections_open", "Connections to the database", now.open);
    gauge("db_connections_in_use", "Connections that belong to a transaction at the moment", now.in_use);
    counter("db_queries_total", "Statements that stood alone", now.queries);
    counter("db_errors_total", "Connections that were lost, and other errors of the engine", now.errors);
    counter("db_waits_total", "How often a transaction had to wait for a connection", now.waits);
    out.family("db_wait_seconds_total", "How long transactions waited for a connection, together",
               metrics::metric_kind::counter);
    out.value({}, static_cast<double>(now.wait_time_us) / 1e6);
    counter("db_refused_total", "Statements and transactions that found the queue full", now.refused);
    counter("db_connects_total", "Connections that were opened", now.connects);
    counter("db_reconnects_total", "Connections that were opened in place of a lost one", now.reconnects);
  });
}

metrics::registry::subscription replica_metrics(metrics::registry& all, db::database const& of) {
  return all.collector([&of](metrics::writer& out) {
    auto const now = of.replication();
    auto const each = [&](std::string_view name, std::string_view help, metrics::metric_kind kind, auto value) {
      out.family(name, help, kind);
      for (auto const& server : now.servers) {
        metrics::label const of_server{"server", server.place};
        out.value(std::span{&of_server, 1}, value(server));
      }
    };
    using enum metrics::metric_kind;
    each("db_reads_total", "Statements that only read and stood alone, by the server that they were sent to", counter,
         [](db::server_status const& s) { return s.reads; });
    each("db_replica_lag_bytes", "What a replica has not replayed yet of the primary's log", gauge,
         [](db::server_status const& s) { return s.lag_bytes; });
    each("db_replica_lag_seconds", "Since when it lacks that", gauge,
         [](db::server_status const& s) { return static_cast<double>(s.lag.count()) / 1e6; });
    out.family("db_server_part", "1 for what the server is at the moment", gauge);
    for (auto const& server : now.servers) {
      std::array const labels{metrics::label{"server", server.place},
                              metrics::label{"part", std::string{db::to_string(server.part)}}};
      out.value(labels, std::uint64_t{1});
    }
    out.family("db_read_fallbacks_total", "Reads that might have gone to a replica and went to the primary", counter);
    auto const fallback = [&out](char const* reason, std::uint64_t count) {
      metrics::label const why{"reason", reason};
      out.value(std::span{&why, 1}, count);
    };
    fallback("not_replayed", now.not_replayed);
    fallback("no_replica", now.no_replica);
    fallback("asked_again", now.asked_again);
    out.family("db_failovers_total", "How often another server became the primary", counter);
    out.value({}, now.failovers);
  });
}

metrics::registry::subscription statistics_metrics(metrics::registry& all, query_health::statistics_sampler const& of) {
  return all.collector([&of](metrics::writer& out) {
    auto const now = of.last();
    if (!now) return;
    using enum metrics::metric_kind;
    out.family("db_size_bytes", "The size of the database", gauge);
    out.value({}, now->size_bytes);
    out.family("db_oldest_transaction_seconds", "The age of the oldest transaction of the database", gauge);
    out.value({}, static_cast<std::uint64_t>(now->oldest_transaction.count()));
    auto const each = [&](std::string_view name, std::string_view help, auto member) {
      out.family(name, help, gauge);
      for (auto const& table : now->tables) {
        metrics::label const of_table{"table", table.name};
        out.value(std::span{&of_table, 1}, table.*member);
      }
    };
    using table = query_health::table_statistics;
    each("db_table_live_rows", "Rows of a table, as its server estimates them", &table::live_rows);
    each("db_table_dead_rows", "Rows that are dead and not yet cleared away", &table::dead_rows);
    each("db_table_size_bytes", "The size of a table", &table::size_bytes);
    each("db_table_wasted_bytes", "Space of a table that holds nothing, estimated", &table::wasted_bytes);
  });
}

}  // namespace app::middleware
