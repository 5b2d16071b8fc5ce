// Brings a database's schema up to what this program needs, and back.
//
//   migrations::migrator m{database, migrations::files_of(app::migration_files())};
//   on.run(m.up());
//
// What was applied is in the table schema_migrations. Each migration is one transaction, together with its row there:
// it happens wholly or not at all (but for MySQL, below). Two runners at once are kept apart: each step takes a lock (an
// advisory lock on PostgreSQL, the write lock on SQLite) and looks again whether it is still due.
//
// A migration with `-- no transaction` is entered first, then run statement by statement, then marked finished. When
// it fails half way, the row stays unfinished and every later run refuses until somebody has looked: the message says
// what to do. Its statements have no time-out on PostgreSQL; on SQLite every statement has database.statement_timeout.
//
// MySQL commits before and after every change of the schema, so there every migration is run like this, under a lock of
// the session (GET_LOCK): one that fails in its first statement left nothing behind, one that fails later is unfinished,
// and the row says how far it came.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/db/database.hpp>
#include <slipway/migrations/catalog.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

struct options {
  bool allow_out_of_order = false;                                     // apply files older than the newest applied one
  bool before_deployment = false;                                      // leave `-- after deployment` for later
  std::chrono::milliseconds wait_for_other{std::chrono::seconds{60}};  // for another runner
  std::chrono::milliseconds lock_timeout{std::chrono::seconds{5}};     // PostgreSQL: for locks on tables in use
  std::chrono::milliseconds statement_timeout{
      std::chrono::minutes{10}};                   // PostgreSQL: of one statement in a transaction
  std::function<void(std::string_view)> say = {};  // progress, a line each; may be empty
  clock_source const* clock = nullptr;             // null: the system's
};

enum class state : std::uint8_t {
  applied,
  pending,
  out_of_order,  // pending, and older than the newest applied one
  changed,       // applied, and its file is another now
  missing,       // applied, and there is no such file
  newer,         // applied by a newer program
  unfinished,    // `-- no transaction`, begun and not finished
};
std::string_view to_string(state s) noexcept;  // "out of order"

struct status_line {
  std::int64_t version = 0;  // 0: a repeatable one
  std::string name;
  migrations::state state = state::pending;
  std::optional<time_point> applied_at;
  std::optional<std::chrono::milliseconds> duration;
  std::string progress;  // MySQL, of an unfinished one: "up: 2 of 5 statements are done, 0003_notes.sql:9 is not"
};

struct step {
  std::int64_t version = 0;  // 0: a repeatable one
  std::string name;
  std::chrono::milliseconds duration{0};
};

// All functions throw startup_error with exit code `data` for what is wrong with files, SQL or the table, naming file,
// line and the engine's error, and `unavailable` when another runner does not come to its end; besides what the
// database throws. They are for one caller at a time, on a shard.
class migrator {
 public:
  // `database` must outlive it. Throws what `catalog_of` throws.
  migrator(db::database& database, std::vector<file> const& files, options o = {});

  // Applies what is pending, up to and with version `to`. Refuses, before it changes anything, when an applied file
  // was changed, is missing or unfinished, or when a pending one is out of order and that is not allowed. A lock on a
  // table that is not got within `lock_timeout` is let go and asked for again, so that nobody queues behind it.
  task<std::vector<step>> up(std::optional<std::int64_t> to = std::nullopt);
  // For a database that was there before its migrations were: notes versions 1 to `version` as applied without running
  // them. Refuses when any is noted already, or when there is no such version.
  task<> baseline(std::int64_t version);
  // Takes the newest `steps` applied migrations back, newest first.
  task<std::vector<step>> down(unsigned steps = 1);
  // Everything known, by version. Changes nothing, not even a database without the table.
  task<std::vector<status_line>> status();
  // What `up` would run, as SQL. Refuses like `up`.
  task<std::string> plan(std::optional<std::int64_t> to = std::nullopt);
  // How many are pending without those for after the deployment; refuses like `up`. For a service that must not start
  // on an old schema.
  task<std::size_t> pending();
  // Names what was applied by a newer program and is unknown here. While a deployment is rolled out or back that is as
  // it should be, provided that old programs can live with the new schema; `up` refuses only when it had work to do.
  task<std::vector<std::string>> newer();

  std::vector<migration> const& known() const noexcept { return known_; }
  std::vector<repeatable> const& known_repeatables() const noexcept { return repeatables_; }

 private:
  struct applied_row;
  enum class outcome : std::uint8_t { done, nothing_to_do, other_is_busy, table_is_in_use };

  task<std::vector<applied_row>> read_applied(db::session& in);
  task<std::vector<applied_row>> read_settled();
  std::vector<migration const*> due(std::vector<applied_row> const& applied, std::optional<std::int64_t> to) const;
  void check(std::vector<applied_row> const& applied) const;
  bool is_newer(applied_row const& row) const noexcept;
  bool may_wait(migration const& m) const noexcept { return options_.before_deployment && m.after_deployment; }
  task<bool> prepare(db::transaction& tx);
  std::string limit(db::dialect on, migration const& m) const;
  task<> run_statements(db::session& in, migration const& m, bool up);
  task<outcome> try_step(migration const& m, bool up, step& made);
  task<outcome> try_step_without_foreign_keys(migration const& m, bool up, step& made);
  task<outcome> try_loose_step(migration const& m, bool up, step& made);
  task<outcome> try_mysql_step(migration const& m, bool up, step& made);
  task<outcome> run_mysql_step(db::transaction& tx, migration const& m, bool up, step& made);
  task<> run_alone(db::transaction& tx, migration const& m, statement const& s);
  task<outcome> with_session_lock(db::transaction& tx, std::function<task<outcome>(db::transaction&)> work);
  task<> finish_loose_step(migration const& m, std::optional<std::int64_t> duration);
  task<outcome> in_own_transaction(std::function<task<outcome>(db::transaction&)> work);
  task<std::optional<step>> run_step(migration const& m, bool up);
  task<std::vector<repeatable const*>> due_repeatables();
  task<outcome> try_repeatable(repeatable const& r, step& made);
  task<std::optional<step>> run_repeatable(repeatable const& r);
  task<bool> patiently(std::string file, std::function<task<outcome>()> attempt);
  void say(std::string const& line) const;
  clock_source const& clock() const noexcept { return options_.clock != nullptr ? *options_.clock : system_clock(); }

  db::database& database_;
  std::vector<migration> known_;
  std::vector<repeatable> repeatables_;
  options options_;
};

}  // namespace slipway::migrations
