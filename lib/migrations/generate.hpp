// Writes the migrations that make models and schema agree. Every engine that the project has files for gets its own:
//
//   0005_colors.postgres.sql            what can be there before the new program is: tables, columns, wider types
//   0006_colors_indexes.postgres.sql    CREATE INDEX CONCURRENTLY, without a transaction
//   0007_colors_checked.postgres.sql    what has to be proved of rows that are there: NOT NULL, foreign keys
//   0008_colors_contract.postgres.sql   after the deployment: what takes something away
//
// Only those that have something to do, for one engine at least, are written. They pass `migrate lint`, or say above a
// statement why it is allowed. What takes data away is a comment unless it was asked for. A change of a name is not
// recognised: it looks like something that is gone and something else that is new.
#pragma once

#include <slipway/migrations/catalog.hpp>
#include <slipway/migrations/differences.hpp>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace slipway::migrations {

struct engine_view {
  db::dialect dialect = db::dialect::sqlite;
  std::vector<difference> found{};
  // Null: no database of this engine was looked at; `found` is what `found_on` showed, and is said again in the words
  // of this engine, as far as they can be told from the other's.
  schema_state const* state = nullptr;
  db::dialect found_on = db::dialect::sqlite;
};

// None when there is nothing to do. `first` is the number of the first one.
std::vector<file> migration_files(std::string const& name, std::int64_t first, db::models const& models,
                                  std::span<engine_view const> engines, bool destructive);

// The number after the last one of these files.
std::int64_t next_number(std::vector<file> const& files, db::dialect any);

// Throws startup_error for what cannot be written; what is there already is never overwritten. All or none.
std::vector<std::filesystem::path> write_files(std::filesystem::path const& directory, std::vector<file> const& files);

// Whether this can be the name of a migration: lower-case letters, digits and _.
bool is_migration_name(std::string_view name) noexcept;

}  // namespace slipway::migrations
