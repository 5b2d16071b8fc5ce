#include "middleware/database_watch.hpp"

#include <slipway/trace/span.hpp>

namespace app::middleware {
namespace {

// "SELECT" of a statement: few names, so that traces can be grouped by them.
std::string_view verb_of(std::string_view sql) noexcept { return sql.substr(0, sql.find_first_of(" \n\t(")); }

}  // namespace

database_watch::database_watch(metrics::registry& all)
    : durations_{all.histogram("db_query_duration_seconds", "Time from sending a statement to its answer")},
      errors_{all.counter("db_query_errors_total", "Statements that failed")} {}

void database_watch::on_query(db::query_event const& event) noexcept {
  durations_.observe(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(event.duration).count()));
  if (!event.error.empty()) errors_.add();
  if (event.operation == nullptr || event.operation->span == nullptr) return;
  scoped_span span{event.operation, span_kind::client, verb_of(event.sql)};
  if (!span) return;
  span.get()->start = event.began;
  span.set("db.query.text", event.sql);
  span.set("db.response.returned_rows", static_cast<std::int64_t>(event.rows));
  if (!event.error.empty()) span.fail("the statement failed");
}

}  // namespace app::middleware
