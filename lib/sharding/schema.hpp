// The tables that sharding keeps for itself, and the guards that let a node refuse what is not its own.
//
// In the control database: sharding_cluster (what was decided for good, and the version of the map), sharding_map (the
// node of each slot: a hint for routing), sharding_moves (what is under way), sharding_keys (the directory),
// sharding_bounds (where the range of each slot begins, in hexadecimal), sharding_splits (the split or merge that is under
// way: rows of `slot` get the slot `made`). A slot of sharding_map without a node is gone: it was merged into another.
// In each node: sharding_node (who it is; `splitter`: who may split and merge), sharding_slots (the truth about its slots;
// `high`: keys from there on are not the slot's any more; `into_slot`: where their rows go), sharding_changes (keys of
// rows that were changed while their slot is copied).
//
// A trigger on every sharded table locks the row of its slot for sharing and refuses the change unless the node owns
// it. So whoever wants to take a slot away from a node waits for the transactions that write in it, and after that
// nobody writes in it any more: no process, however old its knowledge, and no statement by hand.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/db/database.hpp>
#include <slipway/db/sql_writer.hpp>
#include <slipway/sharding/settings.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::sharding {

// A sharded table: what its traits say with `sharded_by`, or settings::tables for one that has no model.
struct table {
  std::string name, slot, key;                // columns: with the number of its slot; the primary key
  std::string by;                             // the column that decides the slot; empty where nobody said it
  std::optional<db::value_kind> by_column{};  // what the model says of that column, where there is a model

  explicit table(db::table_info const& info);
  explicit table(table_settings const& s) : name{s.name}, slot{s.slot}, key{s.key}, by{s.by} {}
};
using tables = std::vector<table>;

// A setting that contradicts another, a model or a database; the text begins with its name.
class setting_error final : public startup_error {
 public:
  setting_error(std::string setting, std::string const& what)
      : startup_error{exit_code::config, what}, setting_{std::move(setting)} {}
  // "sharding.range_keys": so that whoever knows the sources can say where it stands.
  std::string const& setting() const noexcept { return setting_; }

 private:
  std::string setting_;
};

// Throws setting_error when keys of a table are not what sharding.range_keys says: its rows would not lie where the
// bounds put them.
void check_keys(settings const& s, tables const& all);
// The same for tables without a model, by the types that their columns have on a node. Of a table that is not there
// nothing is said.
task<> check_columns(db::session& node, settings s, tables all);

// `tables_of<customer, invoice>()`, those that others refer to first.
template <db::stored... T>
tables tables_of() {
  static_assert(((db::info_of<T>.slot != db::no_column) && ...), "the table's traits have no `sharded_by`");
  return {table{db::info_of<T>}...};
}

namespace state {
// What a node says of a slot. Whoever has it as owned, copying or fenced answers reads of it; that is never more than
// one node.
inline constexpr std::string_view owned = "owned";
inline constexpr std::string_view copying = "copying";    // owned, and changes are noted for a move
inline constexpr std::string_view fenced = "fenced";      // nobody may write, for the moment
inline constexpr std::string_view released = "released";  // given away to `peer`, for good
inline constexpr std::string_view incoming = "incoming";  // being filled by a move
// Within a transaction of a move alone, never committed: its own changes pass.
inline constexpr std::string_view loading = "loading";
}  // namespace state

namespace range_kind {
inline constexpr std::string_view split = "split", merge = "merge";
}

// The codes of refusals by the guards: the slot is not this node's to write; a row must not change its slot.
inline constexpr std::string_view not_here = "SL001";
inline constexpr std::string_view misused = "SL002";

// Whether an error is a guard's refusal: the row has to be written elsewhere, or later.
bool is_refusal(db::error const& e) noexcept;

// Each can be run again. `of` is the engine's words; MySQL has none yet.
std::string control_schema(db::dialect of);
std::string node_schema(db::dialect of);

// Of a cluster that an older version set up, some columns are not there yet.
enum class schema_part : std::uint8_t { control, node };
task<> add_missing_columns(db::transaction& tx, schema_part of);
// The first of them as "table.column", or nothing.
task<std::optional<std::string>> missing_column(db::session& in, schema_part of);
// The guards of one table; replaces those that are there.
std::string guard_schema(table const& t, db::dialect of, strategy by);
// Whether a node has that very guard on the table.
task<bool> has_guard(db::session& node, table t, strategy by);

// The key of a row as an expression that orders as keys do, and a bound to compare it with. `row`: "new.", for example.
std::string octets_in(table const& t, db::dialect of, std::string_view row = "");
db::value bound_in(std::string const& octets, key_kind as, db::dialect of);

// The database's own time in microseconds since 1970, as an expression.
std::string_view now_in(db::dialect of) noexcept;
// " for share", where the engine has more than one writer.
std::string_view lock_of(db::dialect of) noexcept;
using db::detail::quoted;

}  // namespace slipway::sharding
