#include <slipway/partitions/engines.hpp>

#include <slipway/db/sql_writer.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::partitions {
namespace {

using db::detail::quoted;

char const* strategy_of(db::partition_kind kind) noexcept {
  return kind == db::partition_kind::hash ? "h" : kind == db::partition_kind::list ? "l" : "r";
}

struct shape {
  std::string strategy, column, type;
};

task<std::optional<shape>> shape_of(db::session& in, std::string name) {
  auto const found = co_await in.query(
      "select p.partstrat::text, a.attname::text, format_type(a.atttypid, null) from pg_partitioned_table p join "
      "pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] where p.partrelid = "
      "to_regclass(quote_ident($1)) and p.partnatts = 1",
      {name});
  if (found.empty()) co_return std::nullopt;
  co_return shape{found[0].get<std::string>(0), found[0].get<std::string>(1), found[0].get<std::string>(2)};
}

// The ends as the server reads them: whatever the zone of the session is, it wrote the text by it.
constexpr char const* partitions_of = R"(
select c.relname::text, pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT',
       (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1] as low,
       (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1] as high
from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = to_regclass(quote_ident($1)))";

std::optional<time_point> end_of(db::row_view row, std::size_t column, bool is_id) {
  if (row[column].is_null()) return std::nullopt;
  if (!is_id) return row.get<time_point>(column);
  auto const id = uuid::parse(row.get<std::string>(column));
  return id ? moment_of(*id) : std::nullopt;
}

}  // namespace

task<table_status> look_postgres(db::session& in, table const& t) {
  table_status out{.name = t.name, .there = {}, .due = {}, .problem = {}};
  auto const found = co_await shape_of(in, t.name);
  if (!found || found->strategy != strategy_of(t.kind) || found->column != t.column) {
    out.problem =
        fmt::format("{} is not PARTITION BY {} ({}): its migration has to say so when it makes the table", t.name,
                    t.kind == db::partition_kind::hash   ? "HASH"
                    : t.kind == db::partition_kind::list ? "LIST"
                                                         : "RANGE",
                    t.column);
    co_return out;
  }
  auto const is_id = found->type == "uuid" || t.kind != db::partition_kind::range;
  auto const end = [&](char const* which) {
    if (is_id) return fmt::format("{}::text", which);
    return found->type == "date" ? fmt::format("({}::date)::timestamp at time zone 'UTC'", which)
           : found->type == "timestamp without time zone" ? fmt::format("{}::timestamp at time zone 'UTC'", which)
                                                          : fmt::format("{}::timestamptz", which);
  };
  auto const rows = co_await in.query(fmt::format("select relname, \"?column?\", {}, {} from ({}) p order by relname",
                                                  end("low"), end("high"), partitions_of),
                                      {t.name});
  for (auto const& row : rows)
    out.there.push_back({.name = row.get<std::string>(0),
                         .from = t.kind == db::partition_kind::range ? end_of(row, 2, is_id) : std::nullopt,
                         .to = t.kind == db::partition_kind::range ? end_of(row, 3, is_id) : std::nullopt,
                         .is_default = row.get<bool>(1)});
  std::ranges::sort(out.there, {}, [](partition const& p) { return p.from.value_or(time_point::min()); });
  co_return out;
}

task<std::vector<std::string>> statements_postgres(db::session& in, table const& t, change const& c) {
  auto const parent = quoted(t.name), name = quoted(c.partition);
  std::vector<std::string> out;
  if (c.what == change::kind::create) {
    std::string bound;
    if (t.kind == db::partition_kind::hash)
      bound = fmt::format("WITH (MODULUS {}, REMAINDER {})", t.parts, c.remainder);
    else if (t.kind == db::partition_kind::list)
      bound = fmt::format("IN ('{}')", c.value);
    else {
      auto const found = co_await shape_of(in, t.name);
      auto const type = found ? found->type : std::string{};
      bound = fmt::format("FROM ('{}') TO ('{}')", bound_of(type, c.from), bound_of(type, c.to));
    }
    // A table of its own that is then attached: PARTITION OF would keep everybody out of the parent. Rows are numbered
    // by the parent, and a partition that would number its own is refused.
    out.push_back(fmt::format("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING IDENTITY)", name, parent));
    out.push_back(fmt::format("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES {}", parent, name, bound));
    co_return out;
  }
  auto const found = co_await in.query(
      "select exists (select 1 from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = "
      "to_regclass(quote_ident($1)) and pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'), exists (select 1 from "
      "pg_inherits i where i.inhrelid = to_regclass(quote_ident($2)) and i.inhdetachpending), exists (select 1 from "
      "pg_inherits i where i.inhrelid = to_regclass(quote_ident($2)))",
      {t.name, c.partition});
  auto const has_default = found[0].get<bool>(0), is_pending = found[0].get<bool>(1),
             is_attached = found[0].get<bool>(2);
  // Without a default partition nobody has to wait for it, nor is waited for by readers and writers.
  if (is_attached)
    out.push_back(fmt::format("ALTER TABLE {} DETACH PARTITION {}{}", parent, name,
                              is_pending     ? " FINALIZE"
                              : !has_default ? " CONCURRENTLY"
                                             : ""));
  if (t.upkeep.drops) out.push_back(fmt::format("DROP TABLE {}", name));
  co_return out;
}

}  // namespace slipway::partitions
