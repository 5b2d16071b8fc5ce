// The service's command line. Every command is one function of command_line.hpp.
#include "cmd/server/command_line.hpp"
#include "cmd/server/output.hpp"

#include <slipway/config/nearest.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <system_error>

namespace {

using namespace app;

constexpr std::int64_t newest_migration = 999'999'999;  // its file's name begins with four to nine digits

constexpr char const* footer =
    "Settings: defaults < config/base.yaml < config/<environment>.yaml < config/local.yaml < .env < SLIPWAY_* "
    "variables\n"
    "< --set key=value. SLIPWAY_ENVIRONMENT chooses the environment (development), SLIPWAY_CONFIG the directory.\n"
    "Exit codes: 0 done, 1 the answer is no, 64 usage, 65 unusable data, 69 a service does not answer, 70 a bug,\n"
    "71 the system refuses, 73 cannot create (port taken, disk full), 77 no permission, 78 wrong configuration.";

// Builds the commands; the chosen one ends up in `chosen`.
class commands {
 public:
  commands(CLI::App& app, invocation const& in) : in_{in} {
    app.require_subcommand(1);
    app.footer(footer);
    add_serve(app);
    add_migrate(app);
    auto* seeding = add(app, "seed", "Fill the database with development data; safe to repeat",
                        [this] { return seed(in_, again_); });
    seeding->add_flag("--again", again_, "Also run the files that have run and are unchanged");
    add_partitions(app);
    add_sharding(app);
    add_backup(app);
    add_users(app);
    add_config(app);
    auto* routes = add(app, "routes", "Show every route, who may call it, and its limits",
                       [this] { return show_routes(in_, routes_); });
    routes->add_flag("--json", routes_.json, "As JSON");
    routes->add_flag("--measured", routes_.measured,
                     "With what each has cost in statements, asked of the running service");
    routes->add_option("--from", routes_.from, "Its operators' address, such as http://127.0.0.1:8081");
    add_queries(app);
    auto* openapi =
        add(app, "openapi", "Print the OpenAPI document", [this] { return show_openapi(in_, version_3_0_); });
    openapi->add_flag("--3.0", version_3_0_, "As OpenAPI 3.0 instead of 3.1");
    add(app, "errors", "Print the table of error codes as Markdown", [this] { return show_errors(in_); });
    auto* keys = app.add_subcommand("keys", "Keys that sign access tokens");
    keys->require_subcommand(1);
    auto* rotate = add(*keys, "rotate", "Make a new key; the old one goes on verifying until it retires",
                       [this] { return rotate_keys(in_, after_); });
    rotate->add_option("--after", after_, "Seconds until it signs, so that other nodes see it before")
        ->check(CLI::Range(0u, 86'400u));
    add(app, "version", "Print the version", [] { return show_version(); });
  }

  int run() { return chosen_(); }

 private:
  CLI::App* add(CLI::App& to, std::string const& name, std::string const& help, std::function<int()> work) {
    auto* command = to.add_subcommand(name, help);
    command->callback([this, work = std::move(work)] { chosen_ = work; });
    return command;
  }

  void add_serve(CLI::App& app) {
    auto* command = add(app, "serve", "Serve until SIGTERM", [this] { return serve(in_, ready_file_); });
    command->add_option("--ready-file", ready_file_, "Written, with the addresses in use, once requests are served");
  }

  void add_migrate(CLI::App& app) {
    auto* migrate = app.add_subcommand("migrate", "The database's schema");
    migrate->require_subcommand(1);
    auto* up = add(*migrate, "up", "Apply what is pending", [this] { return migrate_up(in_, up_); });
    up->add_option("--to", up_.to, "Up to and with this version")->check(CLI::Range(std::int64_t{1}, newest_migration));
    up->add_flag("--before-deployment", up_.before_deployment, "Leave out what is for after the deployment");
    up->add_flag("--allow-out-of-order", up_.allow_out_of_order,
                 "Also apply what is older than the newest applied one");
    auto* down = add(*migrate, "down", "Take the newest migrations back", [this] { return migrate_down(in_, steps_); });
    down->add_option("steps", steps_, "How many")->capture_default_str()->check(CLI::Range(1u, 1000u));
    add(*migrate, "status", "Show what is applied and what is pending", [this] { return migrate_status(in_); });
    add(*migrate, "plan", "Print the SQL that `up` would run", [this] { return migrate_plan(in_); });
    add(*migrate, "diff", "Show where the models and the database differ; 1 when they do",
        [this] { return migrate_diff(in_); });
    auto* generate = add(*migrate, "generate", "Write the migration that makes models and database agree",
                         [this] { return migrate_generate(in_, generate_); });
    generate->add_option("name", generate_.name, "What it does: lower-case letters, digits and _")->required();
    generate->add_option("--into", generate_.into, "The directory, where migrations.directory names none")
        ->capture_default_str();
    generate->add_flag("--destructive", generate_.destructive,
                       "Write what takes data away as statements instead of comments");
    auto* lint = add(*migrate, "lint", "Find what is unsafe on tables that a running service uses",
                     [this] { return rules_ ? migrate_rules() : migrate_lint(in_); });
    lint->add_flag("--rules", rules_, "Print what is looked for, as Markdown");
    auto* baseline = add(*migrate, "baseline", "Note migrations as applied on a database that was there before them",
                         [this] { return migrate_baseline(in_, version_); });
    baseline->add_option("version", version_, "The last one that the database has")
        ->required()
        ->check(CLI::Range(std::int64_t{1}, newest_migration));
  }

  void add_partitions(CLI::App& app) {
    auto* partitions = app.add_subcommand("partitions", "Tables in parts by time");
    partitions->require_subcommand(1);
    auto* status = add(*partitions, "status", "Show the partitions that are there, and what is due",
                       [this] { return partitions_status(in_, json_); });
    status->add_flag("--json", json_, "As JSON");
    add(*partitions, "plan", "Print the SQL of what is due", [this] { return partitions_plan(in_); });
    add(*partitions, "keep", "Make those of the time to come, take away those that are too old",
        [this] { return partitions_keep(in_); });
  }

  void add_sharding(CLI::App& app) {
    auto* sharding = app.add_subcommand("sharding", "Tables that several databases share");
    sharding->require_subcommand(1);
    add(*sharding, "init", "Set the nodes up, also after one or a table was added",
        [this] { return sharding_init(in_); });
    auto* status = add(*sharding, "status", "Show what each node has and what is under way",
                       [this] { return sharding_status(in_, json_); });
    status->add_flag("--json", json_, "As JSON");
    auto* plan = add(*sharding, "plan", "Show the moves that would make all nodes even",
                     [this] { return sharding_plan(in_, slots_); });
    auto* rebalance =
        add(*sharding, "rebalance", "Make these moves, under load", [this] { return sharding_rebalance(in_, slots_); });
    for (auto* each : {plan, rebalance}) {
      each->add_option("--without", slots_.without, "Nodes that shall be emptied");
      each->add_option("--at-most", slots_.at_most, "So many moves, and no more");
    }
    auto* move = add(*sharding, "move", "Move slots to a node, or take up what died",
                     [this] { return sharding_move(in_, slots_); });
    move->add_option("slots", slots_.slots, "Such as 0-99,120")->required();
    move->add_option("--to", slots_.to, "The node")->required();
    auto* split = add(*sharding, "split", "Give the upper part of a range a slot of its own, or take up what died",
                      [this] { return sharding_split(in_, slots_); });
    split->add_option("--at", slots_.at, "Where it begins: a key as sharding.range_keys says, or octets after 0x")
        ->required();
    split->add_option("--to", slots_.to, "The node to which it moves then");
    auto* merge = add(*sharding, "merge", "Join a range to the one below it on its node, or take up what died",
                      [this] { return sharding_merge(in_, slots_); });
    merge->add_option("--at", slots_.at, "Where it begins, as `ranges` shows it")->required();
    add(*sharding, "ranges", "Show where the range of each slot begins, and its node",
        [this] { return sharding_ranges(in_); });
    auto* give_up = add(*sharding, "give-up", "Leave a slot where it is, or its range as it is",
                        [this] { return sharding_give_up(in_, slot_); });
    give_up->add_option("slot", slot_, "Which")->required();
    auto* clean = add(*sharding, "clean", "Remove the old copies of slots that have moved",
                      [this] { return sharding_clean(in_, slots_.wait); });
    clean->add_flag("--wait", slots_.wait, "Until all are old enough");
    add(*sharding, "verify", "Check that every slot is one node's, and that no row is elsewhere",
        [this] { return sharding_verify(in_); });
  }

  void add_backup(CLI::App& app) {
    auto* backup = app.add_subcommand("backup", "Backups of the database and of files");
    backup->require_subcommand(1);
    add(*backup, "key", "Make the key that seals backups", [this] { return backup_key(in_); });
    add(*backup, "create", "Make one, while the service runs", [this] { return backup_create(in_); });
    auto* list = add(*backup, "list", "Show what there is", [this] { return backup_list(in_, json_); });
    list->add_flag("--json", json_, "As JSON");
    auto* verify = add(*backup, "verify", "Prove that one is whole and could be restored",
                       [this] { return backup_verify(in_, restore_.id); });
    verify->add_option("id", restore_.id, "Which")->capture_default_str();
    auto* restore = add(*backup, "restore", "Put one back, once it is proved to be whole",
                        [this] { return backup_restore(in_, restore_); });
    restore->add_option("id", restore_.id, "Which")->capture_default_str();
    restore->add_flag("--overwrite", restore_.overwrite, "In the place of what is there");
    auto* database = restore->add_flag("--database-only", restore_.database_only, "Without the files");
    restore->add_flag("--files-only", restore_.files_only, "Without the database")->excludes(database);
    add(*backup, "base", "Copy a whole PostgreSQL server, for recovery to any later moment",
        [this] { return backup_base(in_); });
    auto* recover = add(*backup, "recover", "Prepare a PostgreSQL data directory that recovers to a moment",
                        [this] { return backup_recover(in_, recovery_); });
    recover->add_option("id", recovery_.id, "Which base backup")->capture_default_str();
    recover->add_option("--into", recovery_.into, "The new data directory")->required();
    recover->add_option("--to", recovery_.to, "The moment, such as 2026-01-31T12:00:00Z; else all there is");
    auto* put = add(*backup, "archive-wal", "For PostgreSQL's archive_command: %p %f",
                    [this] { return backup_archive_wal(in_, wal_path_, wal_name_); });
    put->add_option("path", wal_path_, "%p")->required();
    put->add_option("name", wal_name_, "%f")->required();
    auto* get = add(*backup, "fetch-wal", "For PostgreSQL's restore_command: %f %p",
                    [this] { return backup_fetch_wal(in_, wal_name_, wal_path_); });
    get->add_option("name", wal_name_, "%f")->required();
    get->add_option("path", wal_path_, "%p")->required();
  }

  void add_users(CLI::App& app) {
    auto* users = app.add_subcommand("users", "Accounts");
    users->require_subcommand(1);
    auto* role = add(*users, "role", "Give an account a role, such as the first administrator theirs",
                     [this] { return users_role(in_, email_, role_); });
    role->add_option("email", email_, "Whose")->required();
    role->add_option("role", role_, "Which")->required()->check(CLI::IsMember(role_names()));
  }

  void add_queries(CLI::App& app) {
    auto* queries = app.add_subcommand("queries", "Statements that cost too much");
    queries->require_subcommand(1);
    auto* slow = add(*queries, "slow", "Show what the running service calls slow, with plans and missing indexes",
                     [this] { return queries_slow(in_, from_, json_); });
    slow->add_option("--from", from_, "Its operators' address, such as http://127.0.0.1:8081");
    slow->add_flag("--json", json_, "As JSON");
    auto* counted = add(*queries, "statements", "Show what the database's server has counted, the dearest first",
                        [this] { return queries_statements(in_, most_); });
    counted->add_option("--most", most_, "How many")->capture_default_str()->check(CLI::Range(1u, 1'000u));
    auto* advise = add(*queries, "advise", "Find indexes that the dearest statements miss; none of them is run",
                       [this] { return queries_advise(in_, statements_, most_); });
    advise->add_option("--sql", statements_, "These statements instead, with $1 for parameters");
    advise->add_option("--most", most_, "How many")->capture_default_str()->check(CLI::Range(1u, 1'000u));
  }

  void add_config(CLI::App& app) {
    auto* config = app.add_subcommand("config", "The settings");
    config->require_subcommand(1);
    add(*config, "show", "Show every setting, where it came from, secrets masked", [this] { return config_show(in_); });
    add(*config, "check", "Check the settings and say everything that is wrong", [this] { return config_check(in_); });
    add(*config, "schema", "Print the JSON Schema of the files", [] { return config_schema(); });
    auto* reference = add(*config, "reference", "Print the reference page of all settings",
                          [this] { return config_reference(yaml_); });
    reference->add_flag("--yaml", yaml_, "As a commented YAML file");
  }

  invocation const& in_;
  std::function<int()> chosen_;
  std::string ready_file_;
  migrate_up_options up_;
  generate_wish generate_;
  std::int64_t version_ = 0;
  restore_wish restore_;
  sharding_wish slots_;
  std::uint32_t slot_ = 0;
  recovery_wish recovery_;
  std::string wal_path_, wal_name_;
  std::string email_, role_;
  routes_wish routes_;
  std::string from_;
  std::vector<std::string> statements_;
  unsigned most_ = 20;
  bool again_ = false, rules_ = false, json_ = false, version_3_0_ = false, yaml_ = false;
  unsigned steps_ = 1, after_ = 0;
};

int fail(exit_code code, char const* what) {
  std::fprintf(stderr, "slipway: %s\n", what);
  return static_cast<int>(code);
}

bool cannot_be_written(std::error_code const& why) {
  for (auto each : {ENOSPC, EDQUOT, EIO, EBADF, EPIPE})
    if (why == std::error_code{each, std::generic_category()} || why == std::error_code{each, std::system_category()})
      return true;
  return false;
}

// Every part of the program may be the one that gets no thread any more, or whose file finds no room.
int fail(std::system_error const& error) {
  if (cannot_be_written(error.code()))
    return fail(slipway::exit_code::cannot_create,
                fmt::format("something cannot be written: {}. Make room, or send it elsewhere.", error.what()).c_str());
  if (error.code() != std::errc::resource_unavailable_try_again) return fail(slipway::exit_code::bug, error.what());
  return fail(slipway::exit_code::os, fmt::format("the system gives no more threads: {}. Raise the limit (ulimit -u, "
                                                  "TasksMax), or lower runtime.shards.",
                                                  error.what())
                                          .c_str());
}

// CLI11 only says that a command is missing: the word that stands in its place, and what it may have been meant to be.
// Empty where there is none.
std::string unknown_command(CLI::App const& app) {
  auto const* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();  // what was understood
  std::vector<std::string> names;
  for (auto const* each : at->get_subcommands([](CLI::App const*) { return true; })) names.push_back(each->get_name());
  auto const rest = app.remaining(true);
  if (names.empty() || rest.empty() || rest.front().starts_with('-')) return {};
  auto path = at->get_name();
  for (auto const* above = at->get_parent(); above != nullptr; above = above->get_parent())
    path = above->get_name() + " " + path;
  auto const near = slipway::config::nearest(rest.front(), names);
  return fmt::format("{}: '{}' is no command{}. `{} --help` lists them.", path, rest.front(),
                     near.empty() ? "" : fmt::format("; did you mean {}?", near), path);
}

int run(int argc, char** argv) try {
  std::vector<std::string> arguments{argv + 1, argv + argc};
  invocation in{slipway::config::process_sources()};
  in.sources.flags = slipway::config::take_flags(arguments);

  CLI::App app{"A production backend template in C++.", "slipway"};
  app.set_version_flag("--version", version_text());
  commands all{app, in};
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (CLI::RequiredError const& error) {
    auto const unknown = unknown_command(app);
    if (unknown.empty())
      app.exit(error);
    else
      std::fprintf(stderr, "%s\n", unknown.c_str());
    return static_cast<int>(exit_code::usage);
  } catch (CLI::ParseError const& error) {
    auto const status = app.exit(error);
    flush_output();
    return status == 0 ? 0 : static_cast<int>(exit_code::usage);
  }
  auto const status = all.run();
  flush_output();
  return status;
} catch (slipway::startup_error const& error) {
  return fail(error.code(), error.what());
} catch (slipway::storage_full_error const& error) {
  return fail(slipway::exit_code::cannot_create, error.what());
} catch (slipway::unavailable_error const& error) {
  return fail(slipway::exit_code::unavailable, error.what());
} catch (slipway::db::error const& error) {
  return fail(slipway::exit_code::data, error.what());
} catch (std::system_error const& error) {
  return fail(error);
} catch (std::exception const& error) {
  return fail(slipway::exit_code::bug, error.what());
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  return run(argc, argv);
}
