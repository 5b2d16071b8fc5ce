#include <slipway/query_health/table_facts.hpp>

namespace slipway::query_health {
namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    auto const end = std::min(list.find(','), list.size());
    out.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

struct questions {
  char const* rows;
  char const* columns;
  char const* indexes;  // the columns of each, with commas between them
};

constexpr questions postgres{
    // A table that was never analysed has no number of rows; its size says enough.
    "select (case when reltuples < 0 then pg_relation_size(oid) / 100 else reltuples end)::bigint from pg_class "
    "where oid = to_regclass(quote_ident($1))",
    "select attname::text from pg_attribute where attrelid = to_regclass(quote_ident($1)) and attnum > 0 and not "
    "attisdropped order by attnum",
    "select (select string_agg(a.attname, ',' order by k.place) from unnest(i.indkey::int2[]) with ordinality "
    "k(number, "
    "place) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number) from pg_index i where i.indrelid = "
    "to_regclass(quote_ident($1)) and i.indpred is null and i.indisvalid"};
constexpr questions mysql{
    "select cast(coalesce(table_rows, 0) as signed) from information_schema.tables where table_schema = database() and "
    "table_name = $1",
    "select column_name from information_schema.columns where table_schema = database() and table_name = $1 order by "
    "ordinal_position",
    "select group_concat(column_name order by seq_in_index separator ',') from information_schema.statistics where "
    "table_schema = database() and table_name = $1 group by index_name"};
constexpr questions sqlite{
    nullptr, "select name from pragma_table_info($1) order by cid",
    "select (select group_concat(name, ',') from (select name from pragma_index_info(l.name) order by seqno)) from "
    "pragma_index_list($1) l where not l.partial union all select (select group_concat(name, ',') from (select name "
    "from "
    "pragma_table_info($1) where pk > 0 order by pk))"};

questions const& questions_for(db::dialect d) noexcept {
  return d == db::dialect::sqlite ? sqlite : d == db::dialect::mysql ? mysql : postgres;
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (auto c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

}  // namespace

task<table_facts> facts_of(db::session& in, std::string table, std::uint64_t count_to) {
  auto const& ask = questions_for(in.dialect());
  table_facts out;
  auto const columns = co_await in.query(ask.columns, {table});
  for (auto const& row : columns) out.columns.push_back(row.get<std::string>(0));
  if (out.columns.empty()) co_return out;
  auto const indexes = co_await in.query(ask.indexes, {table});
  for (auto const& row : indexes)
    if (auto const list = row.get<std::optional<std::string>>(0)) out.indexes.push_back(split(*list));
  auto const rows = ask.rows != nullptr ? co_await in.query(ask.rows, {table})
                                        : co_await in.query("select count(*) from (select 1 from " + quoted(table) +
                                                            " limit " + std::to_string(count_to) + ")");
  if (!rows.empty()) out.rows = static_cast<std::uint64_t>(std::max<std::int64_t>(0, rows[0].get<std::int64_t>(0)));
  co_return out;
}

}  // namespace slipway::query_health
