#include <slipway/partitions/keeper.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/partitions/engines.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace slipway::partitions {
namespace {

// Of the lock that makes one process the leader.
constexpr std::int64_t postgres_lock = 0x736c'6970'7061'7274;  // "slippart"
constexpr char const* mysql_lock = "slipway_partitions";

task<std::vector<std::string>> statements(db::session& in, table const& t, change const& c) {
  return in.dialect() == db::dialect::mysql ? statements_mysql(in, t, c) : statements_postgres(in, t, c);
}

bool runs_alone(std::string const& statement) {
  return statement.ends_with(" CONCURRENTLY") || statement.ends_with(" FINALIZE");
}

}  // namespace

std::string bound_of(std::string const& type, time_point moment) {
  if (type == "uuid" || type == "binary") {
    uuid id;
    auto const ms =
        static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(moment).time_since_epoch().count());
    for (int i = 0; i < 6; ++i) id.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    return id.text();
  }
  auto const day = std::chrono::floor<std::chrono::days>(moment);
  std::chrono::year_month_day const date{day};
  auto const text = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                static_cast<unsigned>(date.day()));
  return type == "date" ? text : text + " 00:00:00+00";
}

std::optional<time_point> moment_of(uuid const& bound) noexcept {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | bound.bytes[i];
  return time_point{std::chrono::milliseconds{ms}};
}

keeper::keeper(db::database& database, tables all, settings s, clock_source const& clock)
    : database_{database}, tables_{std::move(all)}, settings_{std::move(s)}, clock_{clock} {
  for (auto const& t : settings_.tables) tables_.emplace_back(t);
  if (database.dialect() == db::dialect::sqlite && !tables_.empty())
    throw startup_error{
        exit_code::config,
        fmt::format("SQLite has no partitions, and {} wants them. There the table is one, which is right "
                    "for what a file holds; remove old rows by a condition. Partitions need PostgreSQL, "
                    "MySQL or MariaDB.",
                    tables_.front().name)};
}

task<table_status> keeper::look(table const& t) {
  auto out = database_.dialect() == db::dialect::mysql ? co_await look_mysql(database_, t)
                                                       : co_await look_postgres(database_, t);
  if (!out.problem.empty()) co_return out;
  out.due = plan(t, out.there, clock_.now());
  if (database_.dialect() == db::dialect::mysql && !t.upkeep.drops &&
      std::erase_if(out.due, [](change const& c) { return c.what == change::kind::remove; }) > 0)
    out.problem = fmt::format(
        "{} has partitions that are too old, and MySQL cannot detach them: let them be dropped, or keep all", t.name);
  co_return out;
}

task<std::vector<table_status>> keeper::status() {
  std::vector<table_status> out;
  for (auto const& t : tables_) out.push_back(co_await look(t));
  co_return out;
}

task<std::string> keeper::sql(table const& t, change const& c) {
  std::string out;
  for (auto const& each : co_await statements(database_, t, c)) out += each + ";\n";
  co_return out;
}

// Statements that need no transaction of their own share one, with a limit for their locks.
task<> keeper::apply(table const& t, change const& c) {
  auto const all = co_await statements(database_, t, c);
  std::vector<std::string> together;
  for (auto const& each : all) {
    if (runs_alone(each))
      co_await database_.execute(each);  // waits for those who use the partition, and keeps nobody waiting
    else
      together.push_back(each);
  }
  if (together.empty()) co_return;
  auto const on_mysql = database_.dialect() == db::dialect::mysql;
  co_await database_.transaction(
      [&](db::transaction& tx) -> task<> {
        if (on_mysql)
          co_await tx.execute(fmt::format("set session lock_wait_timeout = {}",
                                          std::max<std::int64_t>(1, settings_.lock_timeout.count() / 1000)));
        else
          co_await tx.execute(fmt::format("set local lock_timeout = {}", settings_.lock_timeout.count()));
        std::exception_ptr wrong;
        try {
          for (auto const& each : together) co_await tx.script(each);
        } catch (...) {
          wrong = std::current_exception();
        }
        if (on_mysql) co_await tx.execute("set session lock_wait_timeout = default");
        if (wrong) std::rethrow_exception(wrong);
      },
      {.attempts = 1});
}

task<> keeper::apply_patiently(table const& t, change const& c) {
  for (unsigned attempt = 1;; ++attempt) {
    try {
      co_return co_await apply(t, c);
    } catch (db::conflict_error const&) {
      if (attempt >= settings_.attempts) throw;
    }
    // Whoever queued behind us goes first.
    co_await sleep_for(settings_.lock_timeout / 2 + std::chrono::milliseconds{50});
  }
}

task<outcome> keeper::keep_as_leader() {
  outcome out;
  for (auto const& t : tables_) {
    auto const now = co_await look(t);
    if (!now.problem.empty()) out.problems.push_back(now.problem);
    for (auto const& c : now.due) {
      done_change done{t.name, c, {}};
      try {
        co_await apply_patiently(t, c);
      } catch (db::error const& e) {
        done.error = e.what();
      } catch (unavailable_error const& e) {
        done.error = e.what();  // a statement that took too long, perhaps: the others need not
      }
      out.changes.push_back(std::move(done));
    }
  }
  co_return out;
}

// The lock is a transaction's, so that it goes with the process; the work is done beside it.
task<outcome> keeper::keep() {
  if (tables_.empty()) co_return outcome{};
  auto const on_mysql = database_.dialect() == db::dialect::mysql;
  co_return co_await database_.transaction(
      [&](db::transaction& tx) -> task<outcome> {
        auto const got = on_mysql ? co_await tx.query("select get_lock($1, 0) = 1", {mysql_lock})
                                  : co_await tx.query("select pg_try_advisory_xact_lock($1)", {postgres_lock});
        auto const is_leader = on_mysql ? got[0].get<std::int64_t>(0) == 1 : got[0].get<bool>(0);
        if (!is_leader) co_return outcome{.is_leader = false, .changes = {}, .problems = {}};
        // It stays idle for a while. A statement without a snapshot ends that of the one before, for which a FINALIZE
        // would wait.
        if (!on_mysql) co_await tx.execute("set local idle_in_transaction_session_timeout = 0");
        outcome out;
        std::exception_ptr wrong;
        try {
          out = co_await keep_as_leader();
        } catch (...) {
          wrong = std::current_exception();
        }
        if (on_mysql) co_await tx.query("select release_lock($1)", {mysql_lock});
        if (wrong) std::rethrow_exception(wrong);
        co_return out;
      },
      {.attempts = 1});
}

}  // namespace slipway::partitions
