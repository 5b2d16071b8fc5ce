#include <slipway/query_health/statistics.hpp>

#include <slipway/query_health/own_connection.hpp>

#include <condition_variable>

namespace slipway::query_health {
namespace {

// The lock lasts as long as the connection, and is got again without harm. Its key is the name in ASCII.
constexpr auto lock_of_postgres = "select pg_try_advisory_lock(7596565290573329253)";
// The names of MySQL's locks are the server's, and have at most 64 characters, whatever the database is called.
constexpr auto lock_of_mysql =
    "select cast(coalesce(get_lock(concat('slipway statistics ', md5(database())), 0), 0) as signed)";

// A row takes 28 bytes beside its columns, a page 24 beside its rows.
constexpr auto tables_of_postgres =
    "select c.relname::text, greatest(s.n_live_tup, 0), greatest(s.n_dead_tup, 0), pg_table_size(c.oid), "
    "greatest(0, pg_relation_size(c.oid) - ceil(greatest(c.reltuples, 0)::float8 * (28 + coalesce(w.width, 0)) / "
    "(b.size - 24)) * b.size)::bigint as wasted "
    "from pg_stat_user_tables s join pg_class c on c.oid = s.relid "
    "cross join (select current_setting('block_size')::float8 as size) b "
    "left join (select schemaname, tablename, sum((1 - null_frac) * avg_width)::float8 as width from pg_stats group by "
    "1, 2) w on w.schemaname = s.schemaname and w.tablename = s.relname order by wasted desc, 3 desc limit 20";
constexpr auto whole_of_postgres =
    "select pg_database_size(current_database()), coalesce(extract(epoch from max(clock_timestamp() - xact_start)), "
    "0)::bigint from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
constexpr auto tables_of_mysql =
    "select table_name, cast(coalesce(table_rows, 0) as signed), 0, cast(coalesce(data_length + index_length, 0) as "
    "signed), cast(coalesce(data_free, 0) as signed) from information_schema.tables where table_schema = database() "
    "and "
    "table_type = 'BASE TABLE' order by data_free desc limit 20";
constexpr auto whole_of_mysql =
    "select cast(coalesce(sum(data_length + index_length), 0) as signed), cast(coalesce((select "
    "timestampdiff(second, min(trx_started), now()) from information_schema.innodb_trx), 0) as signed) from "
    "information_schema.tables where table_schema = database()";
constexpr auto tables_of_sqlite =
    "select 'all', 0, 0, p.page_count * s.page_size, f.freelist_count * s.page_size from pragma_page_count() p, "
    "pragma_page_size() s, pragma_freelist_count() f";
constexpr auto whole_of_sqlite =
    "select p.page_count * s.page_size, 0 from pragma_page_count() p, pragma_page_size() s";

task<bool> has_lock(db::database& on) {
  switch (on.dialect()) {
    case db::dialect::sqlite: co_return true;
    case db::dialect::postgres: co_return (co_await on.query(lock_of_postgres))[0].get<bool>(0);
    case db::dialect::mysql: break;
  }
  co_return (co_await on.query(lock_of_mysql))[0].get<std::int64_t>(0) == 1;
}

}  // namespace

task<std::optional<database_statistics>> take_statistics(db::database& on) {
  if (!co_await has_lock(on)) co_return std::nullopt;
  auto const d = on.dialect();
  auto const tables = co_await on.query(d == db::dialect::sqlite     ? tables_of_sqlite
                                        : d == db::dialect::postgres ? tables_of_postgres
                                                                     : tables_of_mysql);
  auto const whole = co_await on.query(d == db::dialect::sqlite     ? whole_of_sqlite
                                       : d == db::dialect::postgres ? whole_of_postgres
                                                                    : whole_of_mysql);
  auto const number = [](db::row_view row, std::size_t column) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, row.get<std::int64_t>(column)));
  };
  database_statistics out{
      .size_bytes = number(whole[0], 0), .oldest_transaction = std::chrono::seconds{number(whole[0], 1)}, .tables = {}};
  for (auto const& row : tables)
    out.tables.push_back({row.get<std::string>(0), number(row, 1), number(row, 2), number(row, 3), number(row, 4)});
  co_return out;
}

statistics_sampler::statistics_sampler(db::settings const& s, std::chrono::milliseconds every,
                                       std::function<void(std::string const& why)> report)
    : settings_{own_connection(s, std::chrono::seconds{10})}, every_{every}, report_{std::move(report)} {
  if (every_.count() > 0 && !s.url.starts_with("sqlite::memory:"))
    thread_ = std::jthread{[this](std::stop_token const& stop) { work(stop); }};
}

statistics_sampler::~statistics_sampler() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  database_.reset();
}

void statistics_sampler::work(std::stop_token const& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  while (!stop.stop_requested()) {
    take();
    std::unique_lock lock{mutex};
    stopped.wait_for(lock, stop, every_, [] { return false; });
  }
}

void statistics_sampler::take() {
  std::optional<database_statistics> now;
  std::string failure;
  try {
    if (!loop_) loop_ = std::make_unique<shards>(1);
    if (!database_) database_.reset(new db::database{db::connect(settings_, *loop_)});
    now = loop_->run(take_statistics(*database_));
  } catch (std::exception const& why) {
    failure = why.what();
  }
  if (!failure.empty() && failure != last_failure_) report_(failure);
  last_failure_ = failure;
  std::lock_guard const lock{mutex_};
  last_ = std::move(now);
}

std::optional<database_statistics> statistics_sampler::last() const {
  std::lock_guard const lock{mutex_};
  return last_;
}

}  // namespace slipway::query_health
