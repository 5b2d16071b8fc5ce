// Steps on MySQL and MariaDB, which commit by themselves before and after every change of the schema, so that no
// transaction can hold a migration together. Each statement is its own, the table says how far it came, and the lock
// that keeps other runners away is the session's.
#include <slipway/migrations/migrator_parts.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/db/errors.hpp>

#include <fmt/format.h>

namespace slipway::migrations {
namespace {

using std::chrono::milliseconds;

constexpr char const* table =
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, name varchar(200) NOT NULL, checksum char(64) NOT "
    "NULL, applied_at datetime(6) NOT NULL, duration_ms bigint, progress varchar(400))";
// At most 64 characters, whatever the database is called.
constexpr char const* lock_name = "concat('slipway migrations ', md5(database()))";

std::string progress_of(migration const& m, bool up, std::size_t done, std::vector<statement> const& all) {
  return fmt::format("{}: {} of {} statements are done, {}:{} is not", up ? "up" : "down", done, all.size(), m.file,
                     all[done].line);
}

// Each is committed at once, for whoever looks meanwhile or afterwards.
task<> note(db::transaction& tx, migration const& m, std::optional<std::int64_t> duration, std::string progress) {
  co_await tx.execute("UPDATE schema_migrations SET duration_ms = $2, progress = $3 WHERE version = $1",
                      {m.version, duration ? db::value{*duration} : db::value::null(db::value_kind::integer),
                       progress.empty() ? db::value::null(db::value_kind::text) : db::value{progress}});
  co_await tx.script("COMMIT");
}

task<> forget(db::transaction& tx, migration const& m) {
  co_await tx.execute("DELETE FROM schema_migrations WHERE version = $1", {m.version});
  co_await tx.script("COMMIT");
}

}  // namespace

task<bool> prepare_mysql(db::transaction& tx, milliseconds lock_timeout) {
  auto const got = co_await tx.query_once(fmt::format("SELECT GET_LOCK({}, 0)", lock_name));
  if (got[0].get<std::optional<std::int64_t>>(0) != 1) co_return false;
  // For tables in use: whole seconds, the least that the server knows.
  auto const seconds = std::max<std::int64_t>(1, (lock_timeout.count() + 999) / 1000);
  co_await tx.script(fmt::format("SET SESSION lock_wait_timeout = {0}, innodb_lock_wait_timeout = {0}", seconds));
  // Text compares byte by byte, without padding, in all tables that are made from here on: as on the other engines.
  auto const differs = co_await tx.query(
      "SELECT default_collation_name <> @@collation_connection, @@collation_connection, concat('`', "
      "replace(database(), "
      "'`', '``'), '`') FROM information_schema.schemata WHERE schema_name = database()");
  if (differs[0].get<std::int64_t>(0) != 0 && !co_await has_table(tx, "schema_migrations"))
    co_await tx.script(fmt::format("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE {}", differs[0].get<std::string>(1)));
  // A session keeps the default of its beginning until it comes back from another database.
  co_await tx.script("USE information_schema; USE " + differs[0].get<std::string>(2));
  if (co_await has_table(tx, "schema_migrations")) co_return true;
  co_await tx.script(table);
  co_return true;
}

// What `work` did stays done before the lock goes; the connection goes back to others without it.
task<migrator::outcome> migrator::with_session_lock(db::transaction& tx,
                                                    std::function<task<outcome>(db::transaction&)> work) {
  std::exception_ptr error;
  auto what = outcome::other_is_busy;
  try {
    what = co_await work(tx);
  } catch (...) {
    error = std::current_exception();
  }
  try {
    co_await tx.script(error ? "ROLLBACK" : "COMMIT");
    co_await tx.script(fmt::format("DO RELEASE_LOCK({})", lock_name));
    co_await tx.script("SET SESSION lock_wait_timeout = DEFAULT");
  } catch (unavailable_error const&) {  // the connection is lost, and the lock with it
    if (!error) error = std::current_exception();
  }
  if (error) std::rethrow_exception(error);
  co_return what;
}

// Runs one statement, which is done wholly or not at all. A table in use is asked for again until patience ends.
task<> migrator::run_alone(db::transaction& tx, migration const& m, statement const& s) {
  auto const give_up = clock().steady() + options_.wait_for_other;
  for (;;) {
    std::string in_use;
    try {
      co_await tx.script(std::string{s.text});
      co_return;
    } catch (db::conflict_error const& conflict) {
      if (clock().steady() >= give_up) throw;
      in_use = conflict.what();
    }
    say(fmt::format("migrations/{}:{}: a table is in use; its lock will be asked for again", m.file, s.line));
    co_await tx.script("ROLLBACK");  // what the server left of it
    co_await sleep_for(between_looks);
  }
}

task<migrator::outcome> migrator::try_mysql_step(migration const& m, bool up, step& made) {
  return in_own_transaction([this, &m, up, &made](db::transaction& tx) { return run_mysql_step(tx, m, up, made); });
}

task<migrator::outcome> migrator::run_mysql_step(db::transaction& tx, migration const& m, bool up, step& made) {
  if (!co_await prepare(tx)) co_return outcome::other_is_busy;
  auto const rows = co_await tx.query("SELECT duration_ms FROM schema_migrations WHERE version = $1", {m.version});
  if (!rows.empty() && rows[0][0].is_null()) co_return outcome::other_is_busy;
  if (rows.empty() != up) co_return outcome::nothing_to_do;
  auto const before = up ? std::nullopt : rows[0].get<std::optional<std::int64_t>>(0);
  auto const all =
      split(up ? std::string_view{m.up} : std::string_view{*m.down}, tx.dialect(), up ? m.up_line : m.down_line);
  if (up)
    co_await tx.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms, progress) VALUES ($1, $2, "
        "$3, "
        "$4, NULL, NULL)",
        {m.version, m.name, m.checksum, clock().now()});

  auto const began = clock().steady();
  for (std::size_t done = 0; done < all.size(); ++done) {
    co_await note(tx, m, std::nullopt, progress_of(m, up, done, all));
    std::string why;
    auto code = exit_code::data;
    try {
      co_await run_alone(tx, m, all[done]);
    } catch (db::conflict_error const& e) {
      why = fmt::format(
          "a table was in use for {} ({}). Find the long transaction (SHOW PROCESSLIST, "
          "information_schema.innodb_trx), "
          "end it or wait for it, and run this again",
          format_duration(options_.wait_for_other), e.what());
      code = exit_code::unavailable;
    } catch (db::error const& e) {
      why = e.what();
    } catch (unavailable_error const& e) {
      why = e.what();
      code = exit_code::unavailable;
    }
    if (why.empty()) continue;
    auto verdict = done > 0 ? fmt::format(
                                  "MySQL commits each change of the schema by itself: the statements before "
                                  "this one were run ({} of {}).",
                                  done, all.size())
                            : std::string{"Nothing of this migration was applied."};
    try {
      co_await tx.script("ROLLBACK");
      if (done > 0)
        co_await note(tx, m, failed_mark, progress_of(m, up, done, all));
      else if (up)
        co_await forget(tx, m);
      else
        co_await note(tx, m, before, {});
    } catch (unavailable_error const&) {
      verdict += " The connection was lost, so its row in schema_migrations says unfinished.";
    }
    throw startup_error{code, fmt::format("migrations/{}:{}: {}. {}", m.file, all[done].line, why, verdict)};
  }
  made.duration = std::chrono::duration_cast<milliseconds>(clock().steady() - began);
  if (up)
    co_await note(tx, m, made.duration.count(), {});
  else
    co_await forget(tx, m);
  co_return outcome::done;
}

}  // namespace slipway::migrations
