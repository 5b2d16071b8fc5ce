// `migrate diff` and `migrate generate`: the models that models/tables.hpp declares, and the database as migrated.
#include "cmd/server/command_line.hpp"
#include "cmd/server/schema.hpp"
#include "models/tables.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/migrations/differences.hpp>
#include <slipway/migrations/generate.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>

namespace app {
namespace {

struct looked_at {
  std::string what;  // "SQLite 3.40.1, var/app.db"
  migrations::schema_state state;
  std::vector<migrations::difference> found;
};

// Only a database that has all migrations of this program, and no others, can be compared with its models.
void require_migrated(migrations::migrator& m, shards& on, std::string const& where) {
  auto const refuse = [&where](std::string const& why) {
    throw startup_error{exit_code::data, fmt::format("{}: {}", where, why)};
  };
  std::size_t pending = 0;
  for (auto const& line : on.run(m.status())) switch (line.state) {
      case migrations::state::applied: break;
      case migrations::state::pending:
      case migrations::state::out_of_order: pending += line.version > 0 ? 1 : 0; break;
      default:
        refuse(fmt::format("migration {:04}_{} is {} there; `slipway migrate status` shows all", line.version,
                           line.name, migrations::to_string(line.state)));
    }
  if (pending > 0) refuse(fmt::format("{} migrations are pending. Run `slipway migrate up` first.", pending));
}

class inspection {
 public:
  inspection(settings const& s, std::vector<migrations::file> files) : settings_{s}, files_{std::move(files)} {}

  looked_at const& look(db::settings const& which) {
    auto database = db::connect(existing(which), on_);
    migrations::migrator m{database, files_, migration_options(settings_, {})};
    require_migrated(m, on_, database.description());
    return keep(database);
  }
  // A database of this program's migrations and of nothing else.
  looked_at const& look_at_new_sqlite() {
    auto which = settings_.database;
    which.url = "sqlite::memory:";
    which.replicas.clear();
    auto database = db::connect(which, on_);
    on_.run(migrations::migrator{database, files_, migration_options(settings_, {})}.up());
    return keep(database);
  }
  looked_at const& look_at_main() { return look(settings_.database); }
  looked_at const& look_at_main_or_new() {
    return is_yet_to_be_made(settings_.database) ? look_at_new_sqlite() : look_at_main();
  }
  void look_at_others() {
    for (auto const& url : settings_.migrations.compare_with) {
      auto which = settings_.database;
      which.url = url;
      which.replicas.clear();
      look(which);
    }
  }
  looked_at const* of(db::dialect d) const {
    auto const found = std::ranges::find(seen_, d, [](looked_at const& l) { return l.state.dialect; });
    return found == seen_.end() ? nullptr : &*found;
  }

  std::deque<looked_at> const& seen() const noexcept { return seen_; }
  std::vector<migrations::file> const& files() const noexcept { return files_; }
  db::models const& models() const noexcept { return models_; }

 private:
  looked_at const& keep(db::database& database) {
    auto state = on_.run(migrations::read_schema(database));
    auto found = migrations::compare(models_, state, settings_.migrations.unmanaged);
    on_.run(migrations::count_duplicates(database, state, found));
    return seen_.emplace_back(looked_at{database.description(), std::move(state), std::move(found)});
  }

  settings const& settings_;
  shards on_{1};
  std::vector<migrations::file> files_;
  db::models models_ = all_tables();
  std::deque<looked_at> seen_;
};

void show(looked_at const& seen) {
  fmt::print("{}\n", seen.what);
  for (auto const& d : seen.found) fmt::print("  {}\n", migrations::describe(d));
  if (migrations::may_hold_renames(seen.found))
    fmt::print(
        "  A new name looks like something that is gone and something else that is new. Where that is what it "
        "is, write the migration by hand (ALTER TABLE ... RENAME).\n");
}

// The directory may be ahead of the program: then the next migration would say again what is there already.
void require_same(std::vector<migrations::file> const& directory, std::vector<migrations::file> const& program) {
  for (auto const& f : directory) {
    auto const known = std::ranges::find(program, f.name, &migrations::file::name);
    if (known == program.end() || migrations::checksum_of(known->text) != migrations::checksum_of(f.text))
      throw startup_error{
          exit_code::data,
          fmt::format("{} is not in this program as it is there: build it, and run `slipway migrate up`, "
                      "before the next migration is generated.",
                      f.name)};
  }
}

}  // namespace

int migrate_diff(invocation const& in) {
  auto const loaded = in.load();
  auto const& s = loaded.value;
  inspection all{s, migrations_for(s)};
  all.look_at_main();
  for (auto const& node : s.sharding.nodes)
    if (node.url != s.database.url) all.look(node_database(s, node));
  all.look_at_others();
  std::size_t count = 0;
  for (auto const& seen : all.seen()) {
    if (!seen.found.empty()) show(seen);
    count += seen.found.size();
  }
  if (count == 0)
    fmt::print("The models and the database agree.\n");
  else
    fmt::print("{} differences. `slipway migrate generate <name>` writes the migration.\n", count);
  return count == 0 ? 0 : 1;
}

int migrate_generate(invocation const& in, generate_wish const& wish) {
  if (!migrations::is_migration_name(wish.name))
    throw startup_error{
        exit_code::usage,
        fmt::format("\"{}\" cannot be the name of a migration: at most 60 lower-case letters, digits and "
                    "_, such as notes_get_colors",
                    wish.name)};
  auto const loaded = in.load();
  auto const& s = loaded.value;
  auto const& directory = s.migrations.directory.empty() ? wish.into : s.migrations.directory;
  auto const files = migrations::files_in(directory);
  // A directory of the settings may be empty: what is generated is its first migration.
  inspection all{s, s.migrations.directory.empty() ? migrations_for(s) : files};
  require_same(files, all.files());
  auto const& main = all.look_at_main_or_new();
  all.look_at_others();
  std::vector<migrations::engine_view> engines;
  for (auto const d : migrations::dialects_of(files)) {
    auto const* seen = all.of(d);
    if (seen == nullptr && d == db::dialect::sqlite) seen = &all.look_at_new_sqlite();
    auto const& from = seen != nullptr ? *seen : main;
    engines.push_back({.dialect = d,
                       .found = from.found,
                       .state = seen != nullptr ? &seen->state : nullptr,
                       .found_on = from.state.dialect});
  }
  auto const number = migrations::next_number(files, engines.front().dialect);
  auto const texts = migrations::migration_files(wish.name, number, all.models(), engines, wish.destructive);
  if (texts.empty()) {
    fmt::print("The models and the database agree: there is nothing to write.\n");
    return 0;
  }
  for (auto const& seen : all.seen())
    if (!seen.found.empty()) show(seen);
  for (auto const& path : migrations::write_files(directory, texts)) fmt::print("wrote {}\n", path.string());
  auto const takes_away = [](looked_at const& seen) {
    return std::ranges::any_of(seen.found, &migrations::difference::is_destructive);
  };
  if (!wish.destructive && std::ranges::any_of(all.seen(), takes_away))
    fmt::print("What would take data away is written as comments: decide before it is applied, or --destructive.\n");
  fmt::print("Read them, build, and run `slipway migrate up`.\n");
  return 0;
}

}  // namespace app
