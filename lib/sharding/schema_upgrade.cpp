// Columns that the first version did not have: each database gets them when `init` is run again.
#include <slipway/sharding/schema.hpp>

#include <fmt/format.h>

#include <array>

namespace slipway::sharding {
namespace {

struct later_column {
  schema_part part;
  std::string_view table, name, type;
};

// A type of SQLite's own, which keeps numbers and octets as they are.
std::string_view type_in(db::dialect of, later_column const& c) noexcept {
  return of == db::dialect::sqlite && c.type == "bytea" ? "blob" : c.type;
}

constexpr std::array later_columns{
    later_column{schema_part::control, "sharding_moves", "copied", "bigint not null default 0"},
    later_column{schema_part::control, "sharding_bounds", "bound", ""},  // a table of its own
    later_column{schema_part::control, "sharding_splits", "kind", "varchar(16) not null default 'split'"},
    later_column{schema_part::control, "sharding_splits", "mover", "varchar(64) not null default ''"},
    later_column{schema_part::control, "sharding_splits", "relabelled", "bigint not null default 0"},
    later_column{schema_part::node, "sharding_slots", "high", "bytea"},
    later_column{schema_part::node, "sharding_slots", "into_slot", "bigint"},
    later_column{schema_part::node, "sharding_node", "splitter", "varchar(64) not null default ''"},
};

task<bool> is_there(db::session& in, later_column const& column) {
  auto const found =
      co_await in.query(in.dialect() == db::dialect::sqlite
                            ? "select count(*) from pragma_table_info($1) where name = $2"
                            : "select count(*) from pg_attribute where attrelid = to_regclass(quote_ident($1)) and "
                              "attname::text = $2 and not attisdropped",
                        {std::string{column.table}, std::string{column.name}});
  co_return found[0].get<std::int64_t>(0) > 0;
}

}  // namespace

task<> add_missing_columns(db::transaction& tx, schema_part of) {
  // Another process may have been quicker; SQLite has one writer, and no words for this.
  auto const* const unless = tx.dialect() == db::dialect::sqlite ? "" : "if not exists ";
  for (auto const& each : later_columns)
    if (each.part == of && !co_await is_there(tx, each))
      co_await tx.execute(
          fmt::format("alter table {} add column {}{} {}", each.table, unless, each.name, type_in(tx.dialect(), each)));
}

task<std::optional<std::string>> missing_column(db::session& in, schema_part of) {
  for (auto const& each : later_columns)
    if (each.part == of && !co_await is_there(in, each)) co_return fmt::format("{}.{}", each.table, each.name);
  co_return std::nullopt;
}

}  // namespace slipway::sharding
