#include <slipway/migrations/column_types.hpp>
#include <slipway/migrations/indexes.hpp>
#include <slipway/migrations/schema_state.hpp>
#include <slipway/migrations/table_text.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::migrations {
namespace {

using db::dialect;

// Each answers with: table, column, type, whether it may be null, whether it is generated, its place in the primary
// key (0: none), whether the table is in the current schema, the statement that made it.
constexpr char const* sqlite_columns =
    "SELECT t.name, x.name, x.type, x.\"notnull\" = 0 AND x.pk = 0, x.hidden IN (2, 3), x.pk, 1, s.sql, "
    "x.dflt_value IS NOT NULL "
    "FROM pragma_table_list t JOIN sqlite_schema s ON s.type = 'table' AND s.name = t.name "
    "JOIN pragma_table_xinfo(t.name) x WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' "
    "ESCAPE '\\' AND x.hidden <> 1 ORDER BY t.name, x.cid";
constexpr char const* postgres_columns =
    "SELECT CASE WHEN n.nspname = current_schema() THEN '' ELSE n.nspname || '.' END || c.relname, a.attname::text, "
    "format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, "
    "CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END), NOT a.attnotnull, a.attgenerated <> '', "
    "coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1, "
    "CASE WHEN n.nspname = current_schema() THEN 1 ELSE 0 END, '', a.atthasdef OR a.attidentity <> '' "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "JOIN pg_type t ON t.oid = a.atttypid "
    "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
    "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> "
    "'information_schema' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND "
    "d.objid = c.oid AND d.deptype = 'e') ORDER BY n.nspname, c.relname, a.attnum";
constexpr char const* mysql_columns =
    "SELECT c.table_name, c.column_name, c.column_type, c.is_nullable = 'YES', "
    "coalesce(c.generation_expression, '') <> '', coalesce(k.ordinal_position, 0), 1, '', "
    "c.column_default IS NOT NULL OR c.extra LIKE '%auto_increment%' "
    "FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND "
    "t.table_name = c.table_name AND t.table_type = 'BASE TABLE' "
    "LEFT JOIN information_schema.key_column_usage k ON k.table_schema = c.table_schema AND k.table_name = "
    "c.table_name AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY' "
    "WHERE c.table_schema = database() ORDER BY c.table_name, c.ordinal_position";
constexpr char const* sqlite_belongings =
    "SELECT tbl_name, sql, type FROM sqlite_schema WHERE type IN ('index', 'trigger', 'view') AND sql IS NOT NULL "
    "ORDER BY type, name";

char const* columns_query(dialect d) noexcept {
  switch (d) {
    case dialect::sqlite: return sqlite_columns;
    case dialect::postgres: return postgres_columns;
    case dialect::mysql: break;
  }
  return mysql_columns;
}

task<schema_state> read(db::session& in) {
  schema_state out{.dialect = in.dialect()};
  std::vector<std::pair<std::int64_t, std::string>> key;
  auto const end_table = [&] {
    std::ranges::sort(key);
    for (auto& [place, column] : key) out.tables.back().key.push_back(std::move(column));
    key.clear();
  };
  auto const found = co_await in.query(columns_query(in.dialect()));
  for (auto const& row : found) {
    auto const table = row.get<std::string>(0);
    if (out.tables.empty() || out.tables.back().name != table) {
      if (!out.tables.empty()) end_table();
      out.tables.push_back(
          {.name = table, .is_current = row.get<std::int64_t>(6) != 0, .made_by = row.get<std::string>(7)});
    }
    column_state column{.name = row.get<std::string>(1), .type = row.get<std::string>(2)};
    column.nullable = row[3].integer != 0;
    column.generated = row[4].integer != 0;
    column.has_default = row[8].integer != 0;
    if (auto const place = row[5].integer; place > 0) key.emplace_back(place, column.name);
    out.tables.back().columns.push_back(std::move(column));
  }
  if (!out.tables.empty()) end_table();
  co_await read_indexes(in, out);
  if (in.dialect() == dialect::mysql)
    for (auto& t : out.tables) {
      auto const made = co_await in.query_unkept("SHOW CREATE TABLE " + in_quotes(t.name));
      t.made_by = with_standard_literals(made[0].get<std::string>(1));
      // MariaDB calls its json a longtext, with a check.
      table_text const text{t.made_by};
      for (auto& c : t.columns)
        if (c.type == "longtext" && text.definition(c.name).find("json_valid(") != std::string::npos) c.type = "json";
    }
  if (in.dialect() != dialect::sqlite) co_return out;
  for (auto const& row : co_await in.query(sqlite_belongings)) {
    auto const type = row.get<std::string>(2);
    if (type != "index") out.has_views = true;
    if (type == "view") continue;
    auto const table = std::ranges::find(out.tables, row.get<std::string>(0), &table_state::name);
    if (table != out.tables.end()) table->belongings.push_back(row.get<std::string>(1));
  }
  co_return out;
}

char const* needed(dialect d) noexcept {
  switch (d) {
    case dialect::sqlite: return "Does the file belong to this application, and may this user read it?";
    case dialect::postgres:
      return "The user of database.url needs to read pg_catalog (every user may, unless it was revoked).";
    case dialect::mysql: break;
  }
  return "The user of database.url needs a privilege on the tables: GRANT SELECT ON <database>.* TO <user>.";
}

}  // namespace

column_state const* table_state::find(std::string_view column) const noexcept {
  auto const found = std::ranges::find(columns, column, &column_state::name);
  return found == columns.end() ? nullptr : &*found;
}

table_state const* schema_state::find(std::string_view table) const noexcept {
  auto const found = std::ranges::find(tables, table, &table_state::name);
  return found == tables.end() ? nullptr : &*found;
}

task<schema_state> read_schema(db::session& in) {
  std::string why;
  try {
    co_return co_await read(in);
  } catch (db::error const& e) {
    why = e.what();
  }
  throw startup_error{exit_code::data,
                      fmt::format("cannot read which tables the database has: {}. {}", why, needed(in.dialect()))};
}

}  // namespace slipway::migrations
