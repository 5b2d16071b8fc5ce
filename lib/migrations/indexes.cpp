#include <slipway/core/ascii.hpp>
#include <slipway/migrations/column_types.hpp>
#include <slipway/migrations/indexes.hpp>
#include <slipway/migrations/tokens.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::migrations {
namespace {

using db::dialect;

constexpr std::size_t longest_name = 60;  // PostgreSQL takes 63 octets, MySQL 64 characters

// Each answers, in the order of the index's columns, with: table, index, whether it is unique, whether it can be used,
// the column (empty: an expression), whether the whole column is in it, its condition, what generates the column.
constexpr char const* sqlite_indexes =
    "SELECT t.name, l.name, l.\"unique\", 1, coalesce(i.name, ''), 1, CASE WHEN l.partial THEN s.sql ELSE '' END, '' "
    "FROM pragma_table_list t JOIN pragma_index_list(t.name) l JOIN pragma_index_info(l.name) i "
    "LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = l.name WHERE t.schema = 'main' AND t.type = 'table' "
    "ORDER BY t.name, l.name, i.seqno";
constexpr char const* postgres_indexes =
    "SELECT CASE WHEN n.nspname = current_schema() THEN '' ELSE n.nspname || '.' END || c.relname, x.relname::text, "
    "CASE WHEN i.indisunique THEN 1 ELSE 0 END, CASE WHEN i.indisvalid THEN 1 ELSE 0 END, "
    "coalesce(a.attname::text, ''), 1, coalesce(pg_get_expr(i.indpred, i.indrelid), ''), '' "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0 "
    "WHERE k.place <= i.indnkeyatts AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' "
    "ORDER BY 1, 2, k.place";
constexpr char const* mysql_indexes =
    "SELECT s.table_name, s.index_name, s.non_unique = 0, 1, coalesce(s.column_name, ''), s.sub_part IS NULL, '', "
    "coalesce(c.generation_expression, '') FROM information_schema.statistics s LEFT JOIN information_schema.columns c "
    "ON c.table_schema = s.table_schema AND c.table_name = s.table_name AND c.column_name = s.column_name "
    "WHERE s.table_schema = database() ORDER BY s.table_name, s.index_name, s.seq_in_index";

char const* indexes_query(dialect d) noexcept {
  switch (d) {
    case dialect::sqlite: return sqlite_indexes;
    case dialect::postgres: return postgres_indexes;
    case dialect::mysql: break;
  }
  return mysql_indexes;
}

// A condition without what engines add when they show it: "(("deleted_at" IS NULL))" as "deleted_atisnull".
std::string plain(std::string_view condition) {
  std::string out;
  for (char const c : condition) {
    if (c == '(' || c == ')' || c == '"' || c == '`' || c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    out += ascii_lower(c);
  }
  return out;
}

std::string condition_in(std::string_view create_index) {
  constexpr std::string_view where = "WHERE";
  auto const at = find_keyword(create_index, where);
  return at == std::string_view::npos ? std::string{} : plain(create_index.substr(at + where.size()));
}

// MySQL's generated columns count as the condition that they hold.
void take_marker(index_state& index, std::string const& generated_by) {
  auto text = plain(generated_by);
  constexpr std::string_view opening = "casewhen", closing = "then1end";
  if (!text.starts_with(opening) || !text.ends_with(closing) || !index.condition.empty()) return;
  index.condition = text.substr(opening.size(), text.size() - opening.size() - closing.size());
  index.parts.pop_back();
}

std::string wanted_condition(db::table_info const& table, db::index_rule const& rule) {
  return plain(condition_of(table, rule));
}

bool begins_with(std::vector<index_part> const& parts, db::table_info const& table, db::index_rule const& rule,
                 bool whole) {
  auto const wanted = rule.columns();
  if (parts.size() < wanted.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (parts[i].column != table.column(wanted[i]) || (whole && !parts[i].whole)) return false;
  return true;
}

// FNV-1a: tells names apart that are cut.
std::uint32_t hash_of(std::string_view text) noexcept {
  std::uint32_t out = 2166136261u;
  for (char const c : text) out = (out ^ static_cast<unsigned char>(c)) * 16777619u;
  return out;
}

template <class F>
std::string joined(db::table_info const& table, db::index_rule const& rule, std::string_view between, F name) {
  std::string out;
  for (auto const column : rule.columns()) {
    if (!out.empty()) out += between;
    out += name(table.column(column));
  }
  return out;
}

}  // namespace

task<> read_indexes(db::session& in, schema_state& into) {
  auto const found = co_await in.query(indexes_query(in.dialect()));
  for (auto const& row : found) {
    auto const table = std::ranges::find(into.tables, row.get<std::string>(0), &table_state::name);
    if (table == into.tables.end()) continue;
    auto const name = row.get<std::string>(1);
    auto& all = table->indexes;
    if (all.empty() || all.back().name != name)
      all.push_back({.name = name, .unique = row[2].integer != 0, .valid = row[3].integer != 0});
    auto& index = all.back();
    index.parts.push_back({.column = row.get<std::string>(4), .whole = row[5].integer != 0});
    auto const condition = row.get<std::string>(6);
    if (in.dialect() == dialect::sqlite && !condition.empty())
      index.condition = condition_in(condition);
    else if (!condition.empty())
      index.condition = plain(condition);
    if (in.dialect() == dialect::mysql && index.unique) take_marker(index, row.get<std::string>(7));
  }
}

bool is_kept(db::table_info const& table, db::index_rule const& rule, table_state const& there) {
  auto const condition = wanted_condition(table, rule);
  auto const keeps = [&](index_state const& index) {
    if (!index.valid) return false;
    if (rule.unique)
      return index.unique && index.condition == condition && index.parts.size() == rule.columns().size() &&
             begins_with(index.parts, table, rule, true);
    return (index.condition.empty() || index.condition == condition) && begins_with(index.parts, table, rule, false);
  };
  // An INTEGER PRIMARY KEY of SQLite is the table itself.
  index_state key{.unique = true};
  for (auto const& column : there.key) key.parts.push_back({.column = column});
  return std::ranges::any_of(there.indexes, keeps) || (!there.key.empty() && keeps(key));
}

std::string columns_of(db::table_info const& table, db::index_rule const& rule) {
  return joined(table, rule, ", ", [](std::string_view name) { return name; });
}

std::string quoted_columns(db::table_info const& table, db::index_rule const& rule) {
  return joined(table, rule, ", ", in_quotes);
}

std::string condition_of(db::table_info const& table, db::index_rule const& rule) {
  if (!rule.where) return {};
  return in_quotes(table.column(*rule.where)) + (rule.where_null ? " IS NULL" : " IS NOT NULL");
}

std::string index_name(db::table_info const& table, db::index_rule const& rule) {
  auto const dot = table.name.rfind('.');
  auto out = fmt::format("{}_{}", dot == std::string_view::npos ? table.name : table.name.substr(dot + 1),
                         joined(table, rule, "_", [](std::string_view name) { return name; }));
  if (rule.where) out += fmt::format("_{}{}", rule.where_null ? "no_" : "", table.column(*rule.where));
  if (rule.unique) out += "_key";
  if (out.size() <= longest_name) return out;
  return fmt::format("{}_{:08x}", out.substr(0, longest_name - 9), hash_of(out));
}

bool leads_an_index(db::table_info const& table, std::uint8_t member) {
  return std::ranges::any_of(table.indexes(), [member](db::index_rule const& rule) {
    return !rule.where && rule.columns().front() == member;
  });
}

std::string marker_name(db::table_info const& table, db::index_rule const& rule) {
  return fmt::format("{}_is_{}null", table.column(*rule.where), rule.where_null ? "" : "not_");
}

std::string marker_definition(db::table_info const& table, db::index_rule const& rule) {
  return fmt::format("tinyint AS (CASE WHEN {} THEN 1 END) VIRTUAL", condition_of(table, rule));
}

std::string duplicates_query(db::table_info const& table, db::index_rule const& rule) {
  return duplicates_query(table, rule, quoted_columns(table, rule) + ", count(*)");
}

std::string duplicates_query(db::table_info const& table, db::index_rule const& rule, std::string_view columns) {
  auto conditions =
      joined(table, rule, " AND ", [](std::string_view name) { return in_quotes(name) + " IS NOT NULL"; });
  if (rule.where) conditions += " AND " + condition_of(table, rule);
  return fmt::format("SELECT {} FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1", columns, in_quotes(table.name),
                     conditions, quoted_columns(table, rule));
}

}  // namespace slipway::migrations
