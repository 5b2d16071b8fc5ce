// The commands of `migrate`, and what `serve` demands of the schema.
#include "cmd/server/schema.hpp"

#include "cmd/server/command_line.hpp"
#include "models/collections.hpp"

#include <slipway/core/embedded.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/sqlite_file.hpp>
#include <slipway/documents/connect.hpp>
#include <slipway/migrations/lint.hpp>
#include <slipway/migrations/squawk.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <span>

namespace app {

std::span<embedded_file const> migration_files();  // linked in by CMake

std::vector<migrations::file> migrations_for(settings const& s) {
  if (s.migrations.directory.empty()) return migrations::files_of(migration_files());
  auto found = migrations::files_in(s.migrations.directory);
  // Nothing to migrate would pass for a database that is up to date.
  if (found.empty())
    throw startup_error{exit_code::config,
                        fmt::format("migrations.directory: there is no migration in {}. Name the directory with the "
                                    ".sql files, or leave it empty for those in the program.",
                                    s.migrations.directory)};
  return found;
}

migrations::options migration_options(settings const& s, migrations::options o) {
  o.wait_for_other = s.migrations.patience;
  o.lock_timeout = s.migrations.lock_timeout;
  o.statement_timeout = s.migrations.statement_timeout;
  return o;
}

namespace {

enum class missing { is_made, is_refused, is_imagined };  // a file of SQLite

db::settings open_as(db::settings which, missing file) {
  if (file == missing::is_made) return which;
  if (file == missing::is_imagined && is_yet_to_be_made(which)) {
    fmt::print("-- there is no database at {} yet: this is all that would be done\n", *db::sqlite_file(which.url));
    which.url = "sqlite::memory:";
    return which;
  }
  return existing(std::move(which));
}

// The main database, and every node that holds sharded tables.
int with_migrator(invocation const& in, missing file, migrations::options options,
                  std::function<void(migrations::migrator&, shards&)> const& work) {
  auto const loaded = in.load();
  auto const& s = loaded.value;
  options.say = [](std::string_view line) { fmt::print("{}\n", line); };
  auto const files = migrations_for(s);  // a wrong directory is told before what is amiss with the database
  shards on{1};
  auto const migrate = [&](db::settings const& which) {
    auto database = db::connect(open_as(which, file), on);
    migrations::migrator m{database, files, migration_options(s, options)};
    work(m, on);
  };
  migrate(s.database);
  for (auto const& node : s.sharding.nodes) {
    if (node.url == s.database.url) continue;
    fmt::print("-- node {}\n", node.name);
    migrate(node_database(s, node));
  }
  return 0;
}

void refuse_pending(migrations::migrator& m, shards& on, std::string_view or_else) {
  if (auto const pending = on.run(m.pending()); pending > 0)
    throw startup_error{exit_code::data,
                        fmt::format("{} migrations are pending on this database. Run `slipway migrate up` first "
                                    "(`slipway migrate plan` shows its SQL){}.",
                                    pending, or_else)};
}

}  // namespace

db::settings node_database(settings const& s, sharding::node_settings const& node) {
  auto own = s.database;
  own.url = node.url;
  own.replicas.clear();
  return own;
}

db::settings existing(db::settings of) {
  of.create = false;
  return of;
}

bool is_yet_to_be_made(db::settings const& which) {
  auto const file = db::sqlite_file(which.url);
  std::error_code error;
  return file && std::filesystem::status(*file, error).type() == std::filesystem::file_type::not_found;
}

void require_schema(settings const& s, db::database& database, shards& on, log::logger const& log) {
  migrations::migrator m{database, migrations_for(s), migration_options(s, {})};
  for (auto const& name : on.run(m.newer()))
    log.warn("the database is ahead of this program, which does not know the migration", {{"migration", name}});
  if (s.migrations.at_start) {
    for (auto const& step : on.run(m.up())) log.info("migrated", {{"version", step.version}, {"name", step.name}});
    return;
  }
  refuse_pending(m, on, ", or set migrations.at_start");
}

void refuse_pending(settings const& s, std::vector<migrations::file> files, db::database& database, shards& on) {
  migrations::migrator m{database, std::move(files), migration_options(s, {})};
  refuse_pending(m, on, "");
}

void prepare_documents(documents::store& in, shards& on) {
  try {
    on.run(in.prepare(all_collections()));
  } catch (db::error const& e) {
    throw startup_error{exit_code::data,
                        fmt::format("The collections of documents are not there and cannot be made: {}. "
                                    "Run `slipway migrate up` as a user who may change the schema.",
                                    e.what())};
  }
}

int migrate_up(invocation const& in, migrate_up_options o) {
  auto const done = with_migrator(
      in, missing::is_made, {.allow_out_of_order = o.allow_out_of_order, .before_deployment = o.before_deployment},
      [&o](migrations::migrator& m, shards& on) {
        if (on.run(m.up(o.to > 0 ? std::optional{o.to} : std::nullopt)).empty()) fmt::print("Nothing to do.\n");
      });
  // By the user who may change the schema, so that the service need not be one.
  auto const loaded = in.load();
  shards on{1};
  auto database = db::connect(loaded.value.database, on);
  auto const stored = documents::connect(loaded.value.documents, database);
  prepare_documents(*stored.store, on);
  return done;
}

int migrate_baseline(invocation const& in, std::int64_t version) {
  return with_migrator(in, missing::is_refused, {},
                       [version](migrations::migrator& m, shards& on) { on.run(m.baseline(version)); });
}

namespace {

constexpr char const* node_modules = "tests/e2e/node_modules";

std::vector<migrations::finding> squawk_for(settings const& s, std::vector<migrations::migration> const& all) {
  auto const program = migrations::find_squawk(s.migrations.squawk, node_modules);
  if (program) return migrations::squawk_findings(*program, all);
  fmt::print(stderr, "squawk was skipped: it is neither under {} nor in the PATH (docs/migrations.md)\n", node_modules);
  return {};
}

}  // namespace

int migrate_lint(invocation const& in) {
  auto const loaded = in.load();
  auto const files = migrations_for(loaded.value);
  std::size_t count = 0;
  auto const show = [&count](std::vector<migrations::finding> const& found) {
    for (auto const& f : found)
      fmt::print("migrations/{}:{}: {}: {}\n    instead: {}\n", f.file, f.line, f.rule, f.why, f.instead);
    count += found.size();
  };
  for (auto const dialect : migrations::dialects_of(files)) {
    auto const all = migrations::catalog_of(files, dialect);
    for (auto const& m : all) show(migrations::lint(m, dialect));
    if (dialect == db::dialect::postgres) show(squawk_for(loaded.value, all));
  }
  if (count > 0)
    fmt::print("{} findings. What is meant to be so is allowed by a line above it: -- lint: allow <rule>: <reason>\n",
               count);
  return count == 0 ? 0 : 1;
}

int migrate_rules() {
  fmt::print("| rule | what is wrong |\n| --- | --- |\n");
  for (auto const& r : migrations::lint_rules()) fmt::print("| `{}` | {} |\n", r.name, r.what);
  return 0;
}

int migrate_down(invocation const& in, unsigned steps) {
  return with_migrator(in, missing::is_refused, {}, [steps](migrations::migrator& m, shards& on) {
    if (on.run(m.down(steps)).empty()) fmt::print("Nothing to take back.\n");
  });
}

int migrate_status(invocation const& in) {
  return with_migrator(in, missing::is_refused, {}, [](migrations::migrator& m, shards& on) {
    for (auto const& line : on.run(m.status()))
      if (line.version == 0)
        fmt::print("      {:<24} {}, repeatable\n", line.name, migrations::to_string(line.state));
      else
        fmt::print("{:04}  {:<24} {:<12} {}{}\n", line.version, line.name, migrations::to_string(line.state),
                   line.applied_at ? to_rfc3339(*line.applied_at) : std::string{},
                   line.progress.empty() ? "" : "  " + line.progress);
  });
}

int migrate_plan(invocation const& in) {
  return with_migrator(in, missing::is_imagined, {},
                       [](migrations::migrator& m, shards& on) { fmt::print("{}", on.run(m.plan())); });
}

}  // namespace app
