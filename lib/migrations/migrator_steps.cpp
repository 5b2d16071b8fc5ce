// How one step is made: the lock, the transaction, the statements, and the row that says so.
#include <slipway/migrations/migrator_parts.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/db/errors.hpp>

#include <fmt/format.h>

namespace slipway::migrations {
namespace {

using std::chrono::milliseconds;

constexpr char const* table_on_sqlite =
    "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
    "applied_at INTEGER NOT NULL, duration_ms INTEGER) STRICT";
constexpr char const* table_on_postgres =
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
    "applied_at timestamptz NOT NULL, duration_ms bigint)";
constexpr char const* repeatables_on_sqlite =
    "CREATE TABLE schema_repeatables (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) "
    "STRICT";
constexpr char const* repeatables_on_mysql =
    "CREATE TABLE schema_repeatables (name varchar(200) PRIMARY KEY, checksum char(64) NOT NULL, applied_at "
    "datetime(6) NOT NULL)";
constexpr char const* repeatables_on_postgres =
    "CREATE TABLE schema_repeatables (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)";

// A lock that was not got within lock_timeout, or a deadlock: to be tried again.
struct table_in_use : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What `-- foreign keys off` owes before it commits.
task<> check_foreign_keys(db::session& in, migration const& m) {
  auto const broken = co_await in.query("SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1");
  if (!broken.empty())
    throw startup_error{
        exit_code::data,
        fmt::format("migrations/{}: rows of {} refer to rows of {} that are not there any more. Nothing "
                    "of this migration was applied.",
                    m.file, broken[0].get<std::string>(0), broken[0].get<std::string>(1))};
}

// SQLite's messages are without it.
std::string with_its_code(db::error const& e) {
  std::string what = e.what();
  auto const code = fmt::format("({})", e.code());
  return e.code().empty() || what.find(code) != what.npos ? what : what + " " + code;
}

// A statement that was ended (SQLSTATE 57014) is told with the limit of services, which is not the one that it had.
std::string with_its_limit(unavailable_error const& e, milliseconds limit) {
  std::string what = e.what();
  auto const at = what.rfind("(57014): ");
  if (at == std::string::npos) return what;
  what.resize(at + 7);
  return what + fmt::format(": migrations.statement_timeout is {}", format_duration(limit));
}

}  // namespace

std::string label(migration const& m) { return fmt::format("{:04}_{}", m.version, m.name); }

task<bool> has_table(db::session& in, std::string name) {
  auto const ask = [](db::dialect d) {
    switch (d) {
      case db::dialect::sqlite: return "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1";
      case db::dialect::postgres: return "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)";
      case db::dialect::mysql: break;
    }
    return "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = $1";
  };
  auto const found = co_await in.query(ask(in.dialect()), {name});
  co_return found[0].get<std::int64_t>(0) > 0;
}

// Takes the lock and makes the table if need be. False: another runner has the lock.
task<bool> migrator::prepare(db::transaction& tx) {
  if (tx.dialect() == db::dialect::mysql) co_return co_await prepare_mysql(tx, options_.lock_timeout);
  if (tx.dialect() == db::dialect::postgres) {
    auto const got = co_await tx.query_once(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('slipway schema_migrations ' || current_schema(), 0))");
    if (!got[0].get<bool>(0)) co_return false;
    co_await tx.script(fmt::format("SET LOCAL lock_timeout = {}", options_.lock_timeout.count()));
  }  // on SQLite the transaction has the one write lock already
  if (!co_await has_table(tx, "schema_migrations"))
    co_await tx.script(tx.dialect() == db::dialect::sqlite ? table_on_sqlite : table_on_postgres);
  co_return true;
}

// The limit of a statement of this migration. It stands in the statement's own text, because a script begins without any
// limit. On the other engines, and without a transaction, there is none.
std::string migrator::limit(db::dialect on, migration const& m) const {
  if (on != db::dialect::postgres || !m.in_transaction) return {};
  return fmt::format("SET LOCAL statement_timeout = {}; ", options_.statement_timeout.count());
}

task<> migrator::run_statements(db::session& in, migration const& m, bool up) {
  auto const* const verdict = !m.in_transaction ? "It has no transaction: the statements before this one were run."
                              : in.dialect() == db::dialect::mysql
                                  ? "MySQL commits by itself: the statements before this one were run."
                                  : "Nothing of this migration was applied.";
  auto const limit_of_each = limit(in.dialect(), m);
  for (auto const& s :
       split(up ? std::string_view{m.up} : std::string_view{*m.down}, in.dialect(), up ? m.up_line : m.down_line)) {
    try {
      co_await in.script(limit_of_each + std::string{s.text});
    } catch (db::error const& e) {
      if (m.in_transaction && dynamic_cast<db::conflict_error const*>(&e) != nullptr)
        throw table_in_use{fmt::format("{}:{}", m.file, s.line)};
      throw startup_error{exit_code::data,
                          fmt::format("migrations/{}:{}: {}. {}", m.file, s.line, with_its_code(e), verdict)};
    } catch (unavailable_error const& e) {
      throw startup_error{
          exit_code::unavailable,
          fmt::format("migrations/{}:{}: {}. {}", m.file, s.line,
                      limit_of_each.empty() ? e.what() : with_its_limit(e, options_.statement_timeout), verdict)};
    }
  }
}

// Runs `work` in a transaction of its own. SQLite cannot begin one while another process writes: that is a busy runner
// as well, or looks like one.
task<migrator::outcome> migrator::in_own_transaction(std::function<task<outcome>(db::transaction&)> work) {
  bool began = false;
  try {
    co_return co_await database_.transaction(
        [&](db::transaction& tx) {
          began = true;
          return tx.dialect() == db::dialect::mysql ? with_session_lock(tx, work) : work(tx);
        },
        {.attempts = 1});
  } catch (table_in_use const& at) {
    say(fmt::format("migrations/{}: a table is in use; its lock will be asked for again", at.what()));
    co_return outcome::table_is_in_use;
  } catch (unavailable_error const&) {
    if (began || database_.dialect() != db::dialect::sqlite) throw;
  } catch (db::conflict_error const&) {
    if (began || database_.dialect() != db::dialect::sqlite) throw;
  }
  co_return outcome::other_is_busy;
}

// Writes down how a migration without a transaction ended, however long somebody else writes.
task<> migrator::finish_loose_step(migration const& m, std::optional<std::int64_t> duration) {
  for (auto const give_up = clock().steady() + options_.wait_for_other;;) {
    auto const what = co_await in_own_transaction([&](db::transaction& tx) -> task<outcome> {
      if (duration)
        co_await tx.execute("UPDATE schema_migrations SET duration_ms = $2 WHERE version = $1", {m.version, *duration});
      else
        co_await tx.execute("DELETE FROM schema_migrations WHERE version = $1", {m.version});
      co_return outcome::done;
    });
    if (what == outcome::done) co_return;
    if (clock().steady() >= give_up)
      throw startup_error{exit_code::unavailable, fmt::format("migration {} was run, but the database was too busy to "
                                                              "note it: its row in schema_migrations says unfinished.",
                                                              label(m))};
    co_await sleep_for(between_looks);
  }
}

task<migrator::outcome> migrator::try_step(migration const& m, bool up, step& made) {
  co_return co_await in_own_transaction([&](db::transaction& tx) -> task<outcome> {
    if (!co_await prepare(tx)) co_return outcome::other_is_busy;
    auto const rows = co_await tx.query("SELECT version FROM schema_migrations WHERE version = $1", {m.version});
    if (rows.empty() != up) co_return outcome::nothing_to_do;
    auto const began = clock().steady();
    co_await run_statements(tx, m, up);
    if (m.foreign_keys_off && tx.dialect() == db::dialect::sqlite) co_await check_foreign_keys(tx, m);
    made.duration = std::chrono::duration_cast<milliseconds>(clock().steady() - began);
    if (up)
      co_await tx.execute(
          "INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms) VALUES ($1, $2, $3, $4, "
          "$5)",
          {m.version, m.name, m.checksum, clock().now(), made.duration});
    else
      co_await tx.execute("DELETE FROM schema_migrations WHERE version = $1", {m.version});
    co_return outcome::done;
  });
}

// SQLite looks at this pragma outside of transactions alone, and all of its changes are made on one connection.
task<migrator::outcome> migrator::try_step_without_foreign_keys(migration const& m, bool up, step& made) {
  co_await database_.script("PRAGMA foreign_keys = OFF");
  std::exception_ptr error;
  auto what = outcome::nothing_to_do;
  try {
    what = co_await try_step(m, up, made);
  } catch (...) {
    error = std::current_exception();
  }
  co_await database_.script("PRAGMA foreign_keys = ON");
  if (error != nullptr) std::rethrow_exception(error);
  co_return what;
}

task<migrator::outcome> migrator::try_loose_step(migration const& m, bool up, step& made) {
  auto const claimed = co_await in_own_transaction([&](db::transaction& tx) -> task<outcome> {
    if (!co_await prepare(tx)) co_return outcome::other_is_busy;
    auto const rows = co_await tx.query("SELECT duration_ms FROM schema_migrations WHERE version = $1", {m.version});
    if (!rows.empty() && rows[0][0].is_null()) co_return outcome::other_is_busy;
    if (rows.empty() != up) co_return outcome::nothing_to_do;
    if (up)
      co_await tx.execute(
          "INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms) VALUES ($1, $2, $3, $4, "
          "NULL)",
          {m.version, m.name, m.checksum, clock().now()});
    else
      co_await tx.execute("UPDATE schema_migrations SET applied_at = $2, duration_ms = NULL WHERE version = $1",
                          {m.version, clock().now()});
    co_return outcome::done;
  });
  if (claimed != outcome::done) co_return claimed;
  auto const began = clock().steady();
  std::exception_ptr error;
  try {
    co_await run_statements(database_, m, up);
  } catch (...) {
    error = std::current_exception();
  }
  made.duration = std::chrono::duration_cast<milliseconds>(clock().steady() - began);
  co_await finish_loose_step(m, error != nullptr ? std::optional{failed_mark}
                                : up             ? std::optional<std::int64_t>{made.duration.count()}
                                                 : std::nullopt);
  if (error != nullptr) std::rethrow_exception(error);
  co_return outcome::done;
}

// Tries until it is done. False: there was nothing to do.
task<bool> migrator::patiently(std::string file, std::function<task<outcome>()> attempt) {
  auto const give_up = clock().steady() + options_.wait_for_other;
  for (bool said = false;;) {
    auto const what = co_await attempt();
    if (what == outcome::nothing_to_do) co_return false;
    if (what == outcome::done) co_return true;
    if (clock().steady() >= give_up && what == outcome::table_is_in_use)
      throw startup_error{exit_code::unavailable,
                          fmt::format("migrations/{}: a table was in use for {}, so nothing of this migration was "
                                      "applied. Find the long transaction (pg_stat_activity), end it or wait for it, "
                                      "and run this again.",
                                      file, format_duration(options_.wait_for_other))};
    if (clock().steady() >= give_up)
      throw startup_error{exit_code::unavailable,
                          fmt::format("another process is migrating this database and did not come to its end within "
                                      "{}: wait for it, or find out why it hangs.",
                                      format_duration(options_.wait_for_other))};
    if (what == outcome::other_is_busy && !std::exchange(said, true))
      say(fmt::format("another process is migrating this database; waiting for it, {} at most",
                      format_duration(options_.wait_for_other)));
    co_await sleep_for(between_looks);
  }
}

task<std::optional<step>> migrator::run_step(migration const& m, bool up) {
  step made{.version = m.version, .name = m.name};
  auto const done = co_await patiently(m.file, [&] {
    if (database_.dialect() == db::dialect::mysql) return try_mysql_step(m, up, made);
    if (m.foreign_keys_off && m.in_transaction && database_.dialect() == db::dialect::sqlite)
      return try_step_without_foreign_keys(m, up, made);
    return m.in_transaction ? try_step(m, up, made) : try_loose_step(m, up, made);
  });
  if (!done) co_return std::nullopt;
  say(fmt::format("{} {} in {} ms", up ? "applied" : "took back", label(m), made.duration.count()));
  co_return made;
}

task<migrator::outcome> migrator::try_repeatable(repeatable const& r, step& made) {
  co_return co_await in_own_transaction([&](db::transaction& tx) -> task<outcome> {
    if (!co_await prepare(tx)) co_return outcome::other_is_busy;
    if (!co_await has_table(tx, "schema_repeatables"))
      co_await tx.script(tx.dialect() == db::dialect::sqlite  ? repeatables_on_sqlite
                         : tx.dialect() == db::dialect::mysql ? repeatables_on_mysql
                                                              : repeatables_on_postgres);
    auto const rows = co_await tx.query("SELECT checksum FROM schema_repeatables WHERE name = $1", {r.name});
    if (!rows.empty() && rows[0].get<std::string>(0) == r.checksum) co_return outcome::nothing_to_do;
    auto const began = clock().steady();
    co_await run_statements(tx, {.file = r.file, .up = r.text}, true);
    made.duration = std::chrono::duration_cast<milliseconds>(clock().steady() - began);
    co_await tx.execute("DELETE FROM schema_repeatables WHERE name = $1", {r.name});
    co_await tx.execute("INSERT INTO schema_repeatables (name, checksum, applied_at) VALUES ($1, $2, $3)",
                        {r.name, r.checksum, clock().now()});
    co_return outcome::done;
  });
}

task<std::optional<step>> migrator::run_repeatable(repeatable const& r) {
  step made{.name = r.name};
  if (!co_await patiently(r.file, [&] { return try_repeatable(r, made); })) co_return std::nullopt;
  say(fmt::format("applied repeatable_{} in {} ms", r.name, made.duration.count()));
  co_return made;
}

task<> migrator::baseline(std::int64_t version) {
  if (std::ranges::none_of(known_, [version](migration const& m) { return m.version == version; }))
    throw startup_error{exit_code::usage, fmt::format("there is no migration {:04}", version)};
  co_await patiently("baseline", [&] {
    return in_own_transaction([&](db::transaction& tx) -> task<outcome> {
      if (!co_await prepare(tx)) co_return outcome::other_is_busy;
      auto const rows = co_await tx.query("SELECT count(*) FROM schema_migrations");
      if (rows[0].get<std::int64_t>(0) > 0)
        throw startup_error{exit_code::data,
                            "this database has applied migrations already (`migrate status`): a baseline is for one "
                            "that has none."};
      for (auto const& m : known_)
        if (m.version <= version)
          co_await tx.execute(
              "INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms) VALUES ($1, $2, $3, "
              "$4, 0)",
              {m.version, m.name, m.checksum, clock().now()});
      co_return outcome::done;
    });
  });
  say(fmt::format("noted 0001 to {:04} as applied, without running them", version));
}

}  // namespace slipway::migrations
