// What the models say of the schema, held against what a database has.
//
//   slipway migrate diff              says where they differ
//   slipway migrate generate colors   writes migrations/0005_colors.*.sql (generate.hpp)
//
// Compared are tables, columns, what can be stored in them, whether they may be null, and the indexes and unique keys
// that models promise. What models do not express is the schema's own business and is not looked at: other indexes,
// check constraints, foreign keys, defaults, triggers, views, generated columns. So are the tables of the chassis (schema_*, sharding_*, document_*, documents_*).
#pragma once

#include <slipway/db/models.hpp>
#include <slipway/migrations/schema_state.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace slipway::migrations {

struct difference {
  enum class kind : std::uint8_t {
    missing_table,
    unknown_table,
    missing_column,
    unknown_column,
    other_type,        // cannot hold what the model says
    must_be_nullable,  // the model has an optional, the column is NOT NULL
    must_not_be_null,  // the reverse
    missing_index,     // the traits promise an index or a unique key
  };
  kind what = kind::missing_table;
  std::string table;
  std::string column{};                   // empty for tables
  db::model const* model = nullptr;       // null for unknown_table
  std::uint8_t member = db::no_column;    // of the model, where it is one's
  std::string there{};                    // the type that the column has
  std::string wanted{};                   // what the model wants instead, for other_type
  bool loses = false;                     // other_type: what is stored may not fit
  bool blocks_inserts = false;            // unknown_column: NOT NULL, and nothing fills it
  bool was_nullable = true;               // of a column that is there
  db::index_rule const* index = nullptr;  // missing_index
  std::int64_t duplicates = 0;            // values that stand in the way of a unique key (count_duplicates)

  // What takes something away that cannot be brought back.
  bool is_destructive() const noexcept {
    return what == kind::unknown_table || what == kind::unknown_column || (what == kind::other_type && loses);
  }
};

// "notes.color: the model has it, the database does not"
std::string describe(difference const& d);

// In the order of the models and their members; tables without a model come last. `unmanaged` names what no model has
// on purpose: "audit_log", "notes.search", or "legacy_*". The models must outlive the answer.
std::vector<difference> compare(db::models const& models, schema_state const& there,
                                std::span<std::string const> unmanaged = {});

// Counts, in the database that was compared, the values that are there more than once although a key that is missing
// would forbid it. It reads those tables as a whole.
task<> count_duplicates(db::session& in, schema_state const& there, std::vector<difference>& found);

// Whether something was, and something else is now, in one place: that may be a change of a name, which cannot be told
// from a removal and an addition.
bool may_hold_renames(std::span<difference const> found);

}  // namespace slipway::migrations
