#include "middleware/database_metrics.hpp"

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

}  // namespace app::middleware
