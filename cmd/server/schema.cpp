// The commands of `migrate`, and what `serve` demands of the schema.
#include "cmd/server/schema.hpp"

#include "cmd/server/command_line.hpp"

#include <slipway/core/embedded.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/migrations/migrator.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <span>

namespace app {

std::span<embedded_file const> migration_files();  // linked in by CMake

namespace {

std::vector<migrations::file> files_for(settings const& s) {
  return s.migrations.directory.empty() ? migrations::files_of(migration_files())
                                        : migrations::files_in(s.migrations.directory);
}

int with_migrator(invocation const& in, migrations::options options,
                  std::function<void(migrations::migrator&, shards&)> const& work) {
  auto const loaded = in.load();
  shards on{1};
  auto database = db::connect(loaded.value.database, on);
  options.say = [](std::string_view line) { fmt::print("{}\n", line); };
  migrations::migrator m{database, files_for(loaded.value), std::move(options)};
  work(m, on);
  return 0;
}

}  // namespace

void require_schema(settings const& s, db::database& database, shards& on, log::logger const& log) {
  migrations::migrator m{database, files_for(s)};
  if (s.migrations.at_start) {
    for (auto const& step : on.run(m.up())) log.info("migrated", {{"version", step.version}, {"name", step.name}});
    return;
  }
  if (auto const pending = on.run(m.pending()); pending > 0)
    throw startup_error{exit_code::data,
                        fmt::format("{} migrations are pending on this database. Run `slipway migrate up` first "
                                    "(`slipway migrate plan` shows its SQL), or set migrations.at_start.",
                                    pending)};
}

int migrate_up(invocation const& in, bool allow_out_of_order) {
  return with_migrator(in, {.allow_out_of_order = allow_out_of_order}, [](migrations::migrator& m, shards& on) {
    if (on.run(m.up()).empty()) fmt::print("Nothing to do: the schema is up to date.\n");
  });
}

int migrate_down(invocation const& in, unsigned steps) {
  return with_migrator(in, {}, [steps](migrations::migrator& m, shards& on) {
    if (on.run(m.down(steps)).empty()) fmt::print("Nothing to take back.\n");
  });
}

int migrate_status(invocation const& in) {
  return with_migrator(in, {}, [](migrations::migrator& m, shards& on) {
    for (auto const& line : on.run(m.status()))
      fmt::print("{:04}  {:<24} {:<12} {}\n", line.version, line.name, migrations::to_string(line.state),
                 line.applied_at ? to_rfc3339(*line.applied_at) : std::string{});
  });
}

int migrate_plan(invocation const& in) {
  return with_migrator(in, {}, [](migrations::migrator& m, shards& on) { fmt::print("{}", on.run(m.plan())); });
}

}  // namespace app
