// What was asked for on the command line.
#pragma once

#include "config/settings.hpp"

#include <slipway/config/loader.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace app {

// What every command is given: where settings come from. `load` throws startup_error for what is wrong with them.
struct invocation {
  config::sources sources;
  config::loaded<settings> load() const { return config::load<settings>(sources); }
};

// Each command's work; returns the process's exit code (lib/core/errors.hpp) or throws startup_error.
int serve(invocation const& in, std::string const& ready_file);
struct migrate_up_options {
  std::int64_t to = 0;  // 0: all
  bool allow_out_of_order = false, before_deployment = false;
};
int migrate_up(invocation const& in, migrate_up_options o);
int migrate_down(invocation const& in, unsigned steps);
int migrate_status(invocation const& in);
int migrate_plan(invocation const& in);
int migrate_baseline(invocation const& in, std::int64_t version);
// Models against the schema: docs/migrations.md. `diff` gives 1 when they differ.
struct generate_wish {
  std::string name;
  std::string into = "migrations";  // where migrations.directory names none
  bool destructive = false;
};
int migrate_diff(invocation const& in);
int migrate_generate(invocation const& in, generate_wish const& wish);
// 1 when there are findings.
int migrate_lint(invocation const& in);
int migrate_rules();
// Backups: docs/backup.md.
struct restore_wish {
  std::string id = "latest";
  bool overwrite = false, database_only = false, files_only = false;
};
struct recovery_wish {
  std::string id = "latest", into, to;
};
int backup_key(invocation const& in);
int backup_create(invocation const& in);
int backup_list(invocation const& in, bool json);
int backup_verify(invocation const& in, std::string const& id);
int backup_restore(invocation const& in, restore_wish const& wish);
int backup_base(invocation const& in);
int backup_recover(invocation const& in, recovery_wish const& wish);
int backup_archive_wal(invocation const& in, std::string const& path, std::string const& name);
// 1 when there is no such segment.
int backup_fetch_wal(invocation const& in, std::string const& name, std::string const& path);
// Partitions: docs/scaling.md. `keep` gives 1 when something could not be done.
int partitions_status(invocation const& in, bool json);
int partitions_plan(invocation const& in);
int partitions_keep(invocation const& in);
// Sharded tables: docs/scaling.md.
struct sharding_wish {
  std::string slots;                 // "0-99,120"
  std::string to;                    // a node
  std::string at;                    // a bound, as sharding.range_keys says
  std::vector<std::string> without;  // nodes that shall have none
  std::uint32_t at_most = 0;         // moves; 0: all
  bool json = false, wait = false;
};
int sharding_init(invocation const& in);
int sharding_status(invocation const& in, bool json);
int sharding_plan(invocation const& in, sharding_wish const& wish);
int sharding_rebalance(invocation const& in, sharding_wish const& wish);
int sharding_move(invocation const& in, sharding_wish const& wish);
int sharding_split(invocation const& in, sharding_wish const& wish);
int sharding_merge(invocation const& in, sharding_wish const& wish);
int sharding_ranges(invocation const& in);
int sharding_give_up(invocation const& in, std::uint32_t slot);
int sharding_clean(invocation const& in, bool wait);
// 1 when something is not as it should be.
int sharding_verify(invocation const& in);
// `again`: also those of its files that have run.
int seed(invocation const& in, bool again);
// `role`: one of role_names(). Throws startup_error (data) when there is no such account.
int users_role(invocation const& in, std::string const& email, std::string const& role);
std::vector<std::string> role_names();
int config_show(invocation const& in);
int config_check(invocation const& in);
int config_schema();
int config_reference(bool yaml);
// docs/query-health.md. `from`: the operators' address of the running service; empty: as the settings say.
int queries_slow(invocation const& in, std::string const& from, bool json);
int queries_statements(invocation const& in, unsigned most);
// 1 when an index is missing.
int queries_advise(invocation const& in, std::vector<std::string> statements, unsigned most);
struct routes_wish {
  bool json = false, measured = false;
  std::string from;
};
int show_routes(invocation const& in, routes_wish const& wish);
int show_openapi(invocation const& in, bool version_3_0);
int show_errors(invocation const& in);
int rotate_keys(invocation const& in, unsigned after_seconds);
int show_version();

char const* version_text() noexcept;   // "0.1.0"
char const* revision_text() noexcept;  // the commit it was built from; "unknown" outside a checkout

}  // namespace app
