#include <slipway/migrations/migrator.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/db/errors.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::migrations {
namespace {

using std::chrono::milliseconds;

// In the column duration_ms: null while a migration without a transaction runs, and this when it failed.
constexpr std::int64_t failed_mark = -1;
constexpr milliseconds between_looks{100};

constexpr char const* table_on_sqlite =
    "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
    "applied_at INTEGER NOT NULL, duration_ms INTEGER) STRICT";
constexpr char const* table_on_postgres =
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
    "applied_at timestamptz NOT NULL, duration_ms bigint)";

std::string label(migration const& m) { return fmt::format("{:04}_{}", m.version, m.name); }

task<bool> has_table(db::session& in) {
  auto const found =
      co_await in.query(in.dialect() == db::dialect::sqlite
                            ? "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
                            : "SELECT count(*) FROM pg_class WHERE oid = to_regclass('schema_migrations')");
  co_return found[0].get<std::int64_t>(0) > 0;
}

}  // namespace

std::string_view to_string(state s) noexcept {
  switch (s) {
    case state::applied: return "applied";
    case state::pending: return "pending";
    case state::out_of_order: return "out of order";
    case state::changed: return "changed";
    case state::missing: return "missing";
    case state::unfinished: return "unfinished";
  }
  return "";
}

struct migrator::applied_row {
  std::int64_t version = 0;
  std::string name;
  std::string checksum;
  time_point applied_at{};
  std::optional<std::int64_t> duration;

  bool is_finished() const noexcept { return duration && *duration != failed_mark; }
  std::string label() const { return fmt::format("{:04}_{}", version, name); }
};

migrator::migrator(db::database& database, std::vector<file> const& files, options o)
    : database_{database}, known_{catalog_of(files, database.dialect())}, options_{std::move(o)} {}

void migrator::say(std::string const& line) const {
  if (options_.say) options_.say(line);
}

task<std::vector<migrator::applied_row>> migrator::read_applied(db::session& in) {
  std::vector<applied_row> out;
  if (!co_await has_table(in)) co_return out;
  auto const found = co_await in.query(
      "SELECT version, name, checksum, applied_at, duration_ms FROM schema_migrations ORDER BY version");
  for (auto const& row : found)
    out.push_back({.version = row.get<std::int64_t>(0),
                   .name = row.get<std::string>(1),
                   .checksum = row.get<std::string>(2),
                   .applied_at = row.get<time_point>(3),
                   .duration = row.get<std::optional<std::int64_t>>(4)});
  co_return out;
}

// What is applied, once no other runner is in the middle of a migration without a transaction. One that began longer
// ago than we would wait has most likely died; `check` refuses it.
task<std::vector<migrator::applied_row>> migrator::read_settled() {
  bool said = false;
  for (;;) {
    auto applied = co_await read_applied(database_);
    auto const now = clock().now();
    auto const running = std::ranges::any_of(
        applied, [&](applied_row const& r) { return !r.duration && now - r.applied_at < options_.wait_for_other; });
    if (!running) co_return applied;
    if (!std::exchange(said, true)) say("another process is in the middle of a migration; waiting for it");
    co_await sleep_for(between_looks);
  }
}

void migrator::check(std::vector<applied_row> const& applied) const {
  auto const refuse = [](std::string const& why) { throw startup_error{exit_code::data, why}; };
  for (auto const& row : applied) {
    auto const known = std::ranges::find(known_, row.version, &migration::version);
    if (!row.is_finished())
      refuse(
          fmt::format("migration {} {}: it has no transaction, so some of its statements may have been run. Look at "
                      "the database, undo or finish by hand what is half done, then run "
                      "\"DELETE FROM schema_migrations WHERE version = {}\" to have it applied anew, or set its "
                      "duration_ms to 0 to call it done.",
                      row.label(), row.duration ? "failed half way" : "was begun and not finished", row.version));
    if (known == known_.end())
      refuse(
          fmt::format("the database has migration {}, which this program does not know: a newer version of it was "
                      "here. Run that version, or take its migrations back with it (migrate down).",
                      row.label()));
    if (known->name != row.name || known->checksum != row.checksum)
      refuse(
          fmt::format("migrations/{} was changed after it was applied on {}: restore the file as it was (applied "
                      "checksum {:.12}, the file's {:.12}) and put the change into a new migration.",
                      known->file, to_rfc3339(std::chrono::floor<std::chrono::seconds>(row.applied_at)), row.checksum,
                      known->checksum));
  }
}

std::vector<migration const*> migrator::due(std::vector<applied_row> const& applied,
                                            std::optional<std::int64_t> to) const {
  if (to && std::ranges::none_of(known_, [to](migration const& m) { return m.version == *to; }))
    throw startup_error{exit_code::usage, fmt::format("there is no migration {:04}", *to)};
  auto const newest = applied.empty() ? 0 : applied.back().version;
  std::vector<migration const*> out;
  for (auto const& m : known_) {
    if (to && m.version > *to) break;
    if (std::ranges::any_of(applied, [&m](applied_row const& r) { return r.version == m.version; })) continue;
    if (m.version < newest && !options_.allow_out_of_order)
      throw startup_error{
          exit_code::data,
          fmt::format("migrations/{} is pending, and the newer {} is applied already. Give it the next free number, or "
                      "apply it late with --allow-out-of-order when it does not depend on order.",
                      m.file, applied.back().label())};
    out.push_back(&m);
  }
  return out;
}

// Takes the lock and makes the table if need be. False: another runner has the lock.
task<bool> migrator::prepare(db::transaction& tx) {
  if (tx.dialect() == db::dialect::postgres) {
    auto const got = co_await tx.query_once(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('slipway schema_migrations ' || current_schema(), 0))");
    if (!got[0].get<bool>(0)) co_return false;
    co_await tx.script(fmt::format("SET LOCAL lock_timeout = {}", options_.lock_timeout.count()));
    co_await tx.script(fmt::format("SET LOCAL statement_timeout = {}", options_.statement_timeout.count()));
  }  // on SQLite the transaction has the one write lock already
  if (!co_await has_table(tx))
    co_await tx.script(tx.dialect() == db::dialect::sqlite ? table_on_sqlite : table_on_postgres);
  co_return true;
}

task<> migrator::run_statements(db::session& in, migration const& m, bool up) {
  auto const* const verdict = m.in_transaction ? "Nothing of this migration was applied."
                                               : "It has no transaction: the statements before this one were run.";
  for (auto const& s :
       split(up ? std::string_view{m.up} : std::string_view{*m.down}, in.dialect(), up ? m.up_line : m.down_line)) {
    try {
      co_await in.script(std::string{s.text});
    } catch (db::error const& e) {
      throw startup_error{exit_code::data,
                          fmt::format("migrations/{}:{}: {}{}. {}", m.file, s.line, e.what(),
                                      e.code().empty() ? "" : fmt::format(" ({})", e.code()), verdict)};
    } catch (unavailable_error const& e) {
      throw startup_error{exit_code::unavailable,
                          fmt::format("migrations/{}:{}: {}. {}", m.file, s.line, e.what(), verdict)};
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
          return work(tx);
        },
        {.attempts = 1});
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

task<std::optional<step>> migrator::run_step(migration const& m, bool up) {
  step made{.version = m.version, .name = m.name};
  auto const give_up = clock().steady() + options_.wait_for_other;
  for (bool said = false;;) {
    auto const what = m.in_transaction ? co_await try_step(m, up, made) : co_await try_loose_step(m, up, made);
    if (what == outcome::nothing_to_do) co_return std::nullopt;
    if (what == outcome::done) {
      say(fmt::format("{} {} in {} ms", up ? "applied" : "took back", label(m), made.duration.count()));
      co_return made;
    }
    if (clock().steady() >= give_up)
      throw startup_error{exit_code::unavailable,
                          fmt::format("another process is migrating this database and did not come to its end within "
                                      "{}: wait for it, or find out why it hangs.",
                                      format_duration(options_.wait_for_other))};
    if (!std::exchange(said, true))
      say(fmt::format("another process is migrating this database; waiting for it, {} at most",
                      format_duration(options_.wait_for_other)));
    co_await sleep_for(between_looks);
  }
}

task<std::vector<step>> migrator::up(std::optional<std::int64_t> to) {
  auto const applied = co_await read_settled();
  check(applied);
  std::vector<step> out;
  for (auto const* m : due(applied, to))
    if (auto made = co_await run_step(*m, true)) out.push_back(std::move(*made));
  co_return out;
}

task<std::vector<step>> migrator::down(unsigned steps) {
  auto const applied = co_await read_settled();
  check(applied);
  std::vector<migration const*> back;
  for (auto row = applied.rbegin(); row != applied.rend() && back.size() < steps; ++row) {
    auto const& m = *std::ranges::find(known_, row->version, &migration::version);
    if (!m.down)
      throw startup_error{exit_code::data,
                          fmt::format("migrations/{} cannot be taken back: it has no `-- down`.", m.file)};
    back.push_back(&m);
  }
  std::vector<step> out;
  for (auto const* m : back)
    if (auto made = co_await run_step(*m, false)) out.push_back(std::move(*made));
  co_return out;
}

task<std::vector<status_line>> migrator::status() {
  auto const applied = co_await read_applied(database_);
  auto const newest = applied.empty() ? 0 : applied.back().version;
  std::vector<status_line> out;
  for (auto const& m : known_)
    if (std::ranges::none_of(applied, [&m](applied_row const& r) { return r.version == m.version; }))
      out.push_back(
          {.version = m.version, .name = m.name, .state = m.version < newest ? state::out_of_order : state::pending});
  for (auto const& row : applied) {
    auto const known = std::ranges::find(known_, row.version, &migration::version);
    status_line line{.version = row.version, .name = row.name, .state = state::applied, .applied_at = row.applied_at};
    if (row.is_finished()) line.duration = milliseconds{*row.duration};
    if (!row.is_finished())
      line.state = state::unfinished;
    else if (known == known_.end())
      line.state = state::missing;
    else if (known->checksum != row.checksum || known->name != row.name)
      line.state = state::changed;
    out.push_back(std::move(line));
  }
  std::ranges::sort(out, {}, &status_line::version);
  co_return out;
}

task<std::string> migrator::plan(std::optional<std::int64_t> to) {
  auto const applied = co_await read_applied(database_);
  check(applied);
  std::string out;
  for (auto const* m : due(applied, to)) {
    out += fmt::format("-- migrations/{}{}\n", m->file, m->in_transaction ? "\nBEGIN;" : " (no transaction)");
    for (auto const& s : split(m->up, database_.dialect())) out += fmt::format("{};\n", s.text);
    out += m->in_transaction ? "COMMIT;\n\n" : "\n";
  }
  co_return out.empty() ? "-- nothing is pending\n" : out;
}

task<std::size_t> migrator::pending() {
  auto const applied = co_await read_applied(database_);
  check(applied);
  co_return due(applied, std::nullopt).size();
}

}  // namespace slipway::migrations
