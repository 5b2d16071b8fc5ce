#include <slipway/query_health/statements.hpp>

namespace slipway::query_health {
namespace {

constexpr auto of_postgres =
    "select query, calls, rows, (total_exec_time * 1000)::bigint, (mean_exec_time * 1000)::bigint, "
    "total_exec_time / greatest(sum(total_exec_time) over (), 0.001) "
    "from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) and query "
    "is "
    "not null order by total_exec_time desc limit $1";
// Picoseconds.
constexpr auto of_mysql =
    "select digest_text, cast(count_star as signed), cast(sum_rows_sent + sum_rows_affected as signed), "
    "cast(sum_timer_wait / 1000000 as signed), cast(avg_timer_wait / 1000000 as signed), "
    "cast(sum_timer_wait / greatest(sum(sum_timer_wait) over (), 1) as double) "
    "from performance_schema.events_statements_summary_by_digest where schema_name = database() and digest_text is not "
    "null order by sum_timer_wait desc limit $1";

task<> check_postgres(db::database& on) {
  if (!(co_await on.query("select 1 from pg_extension where extname = 'pg_stat_statements'")).empty()) co_return;
  throw not_counted_error{
      "pg_stat_statements is not there: add it to shared_preload_libraries of the server, restart it, and run `create "
      "extension pg_stat_statements` in this database"};
}

task<> check_mysql(db::database& on) {
  auto const answer = co_await on.query("select cast(@@performance_schema as signed)");
  if (answer[0].get<std::int64_t>(0) != 0) co_return;
  throw not_counted_error{"the performance schema is off: start the server with performance_schema=ON"};
}

}  // namespace

task<std::vector<statement_cost>> most_expensive(db::database& on, unsigned most) {
  if (on.dialect() == db::dialect::sqlite)
    throw not_counted_error{"SQLite counts no statements: see the log of slow statements of the service"};
  bool const is_postgres = on.dialect() == db::dialect::postgres;
  if (is_postgres)
    co_await check_postgres(on);
  else
    co_await check_mysql(on);
  db::rows found;
  std::string refused;
  try {
    found = co_await on.query(is_postgres ? of_postgres : of_mysql, {static_cast<std::int64_t>(most)});
  } catch (db::error const& e) {
    // 55000: the extension is there and its library is not loaded.
    if (e.code() != "55000") throw;
    refused = e.what();
  }
  if (!refused.empty())
    throw not_counted_error{refused + ": add it to shared_preload_libraries and restart the server"};
  std::vector<statement_cost> out;
  for (auto const& row : found) {
    auto const number = [&row](std::size_t column) { return row.get<std::int64_t>(column); };
    out.push_back({.sql = row.get<std::string>(0),
                   .calls = static_cast<std::uint64_t>(number(1)),
                   .rows = static_cast<std::uint64_t>(number(2)),
                   .total = std::chrono::microseconds{number(3)},
                   .mean = std::chrono::microseconds{number(4)},
                   .share = row.get<double>(5)});
  }
  co_return out;
}

}  // namespace slipway::query_health
