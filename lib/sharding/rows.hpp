// How rows of one slot travel from node to node: in batches, with all columns that the database has, whatever the
// models know of them. A sibling file for each engine. For the .cpp files of this folder.
#pragma once

#include <slipway/sharding/schema.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::sharding {

struct batch {
  std::size_t count = 0;
  std::string last;                // the key of its last row, for `read`; empty where an engine cannot tell
  std::string rows, keys;          // PostgreSQL: lists in JSON
  std::vector<db::values> values;  // SQLite: the columns of each row
  std::vector<db::value> each_key;
};

// Keys that were changed, of one table.
struct change_list {
  std::vector<std::int64_t> ids;
  batch keys;
};

struct content {
  std::int64_t rows = 0;
  std::string checksum;
  friend bool operator==(content const&, content const&) = default;
};

// Rows of a slot that get another.
struct rows_to_relabel {
  std::uint32_t slot = 0, into = 0;
  std::optional<db::value> bound;  // those with keys from there on; nothing: all
};
struct relabelled {
  std::string last;  // the primary key up to which was looked
  std::int64_t count = 0;
};

class row_carrier {
 public:
  virtual ~row_carrier() = default;

  sharding::table const& of() const noexcept { return table_; }
  // "id uuid, owner_id uuid, ...": must be the same on both nodes.
  virtual std::string const& columns() const noexcept = 0;

  // At most `most` rows of the slot with keys above `after`, by key.
  virtual task<batch> read(db::session& in, std::uint32_t slot, std::string after, std::size_t most) = 0;
  // Rows with these keys as they are now, with the keys of those that are there.
  virtual task<batch> read_keys(db::transaction& in, std::uint32_t slot, batch const& keys) = 0;
  virtual task<change_list> changes(db::session& in, std::uint32_t slot, std::size_t most) = 0;
  // Overwrites what has the same keys.
  virtual task<> write(db::transaction& to, batch const& rows) = 0;
  // Removes the rows that have these keys but are not among those that were found.
  virtual task<> remove_missing(db::transaction& to, std::uint32_t slot, batch const& keys, batch const& found) = 0;
  // Some rows of the slot, at most so many: how many there were.
  virtual task<std::int64_t> remove_some(db::transaction& from, std::uint32_t slot, std::size_t most) = 0;
  virtual task<content> sum(db::session& in, std::uint32_t slot) = 0;
  // Gives rows their new slot: those that are meant of at most `most` rows with primary keys above `after`. Nothing at
  // the end. Rows that somebody else is changing may be left out.
  virtual task<std::optional<relabelled>> relabel(db::transaction& in, rows_to_relabel what, std::string after,
                                                  std::size_t most) = 0;
  // Whether any row still has the old slot.
  task<bool> is_left(db::session& in, rows_to_relabel what);

 protected:
  explicit row_carrier(table const& t) noexcept : table_{t} {}
  // " and <key> >= $n" with the bound as the last of `with`; nothing where all rows are meant.
  std::string from_bound(rows_to_relabel const& what, db::dialect d, db::values& with) const;

  table const& table_;
};

// Reads the table's columns from the database. Throws startup_error when the table is not there.
task<std::unique_ptr<row_carrier>> make_carrier(db::session& in, table const& t);
task<std::unique_ptr<row_carrier>> make_postgres_carrier(db::session& in, table const& t);
task<std::unique_ptr<row_carrier>> make_sqlite_carrier(db::session& in, table const& t);

// Notes of changes that have been carried over are forgotten.
task<> forget_changes(db::session& in, std::vector<std::int64_t> ids);

}  // namespace slipway::sharding
