// What the models say of the schema, held against what a database has; and the migration that makes them agree.
//
//   slipway migrate diff              says where they differ
//   slipway migrate generate colors   writes migrations/0005_colors.*.sql
//
// Tables and columns that no model mentions are the database's own business: columns are named, tables are not, and
// neither is touched. Whether a type is right is judged by what can be stored in it, so varchar is as good as text.
#pragma once

#include <slipway/db/database.hpp>
#include <slipway/migrations/catalog.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace slipway::migrations {

struct difference {
  enum class kind : std::uint8_t {
    missing_table,
    missing_column,
    unknown_column,    // the database has it, the model does not
    other_type,        // cannot hold what the model says
    must_be_nullable,  // the model has an optional, the column is NOT NULL
    must_not_be_null,  // the reverse
  };
  kind what;
  db::table_info const* table = nullptr;
  std::uint8_t member = db::no_column;  // of the model; no_column for missing_table and unknown_column
  std::string column;                   // its name, empty for missing_table
  std::string there;                    // the type that the column has, for other_type
};

// "notes.color: the model has it, the database does not"
std::string describe(difference const& d);

// In the order of the models and their members.
task<std::vector<difference>> compare(db::session& in, std::vector<db::table_info const*> models);

// The text of a migration for a dialect. `models` are all models: they tell which columns refer to which table. What
// cannot be done without a decision is a comment that says what to decide; empty when there is nothing to do at all.
std::string migration_text(std::span<difference const> found, std::span<db::table_info const* const> models,
                           db::dialect dialect);

// Writes the migration with the next free number, a file for each of `dialects`, and returns their names. Throws
// startup_error for a name that is none, and for what cannot be written; files that are there are never overwritten.
std::vector<std::filesystem::path> write_migration(std::filesystem::path const& directory, std::string const& name,
                                                   std::span<difference const> found,
                                                   std::span<db::table_info const* const> models,
                                                   std::span<db::dialect const> dialects);

}  // namespace slipway::migrations
