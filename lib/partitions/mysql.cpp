#include <slipway/partitions/engines.hpp>

#include <slipway/core/time.hpp>
#include <slipway/db/sql_writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace slipway::partitions {
namespace {

using db::detail::quoted;

// A bound as information_schema tells it: '2026-01-01 00:00:00', X'0198...' or MAXVALUE, which has none.
std::optional<time_point> moment_in(std::string text) {
  if (text == "MAXVALUE") return std::nullopt;
  if (text.starts_with("_binary ")) text = text.substr(8);
  if (auto const open = text.find('\''); open != std::string::npos)
    text = text.substr(open + 1, text.rfind('\'') - open - 1);
  if (text.find('-') == std::string::npos) {  // octets in hexadecimal
    if (text.starts_with("0x")) text = text.substr(2);
    if (text.size() != 32) return std::nullopt;
    text = fmt::format("{}-{}-{}-{}-{}", text.substr(0, 8), text.substr(8, 4), text.substr(12, 4), text.substr(16, 4),
                       text.substr(20));
    auto const id = uuid::parse(text);
    return id ? moment_of(*id) : std::nullopt;
  }
  if (text.size() == 10) text += " 00:00:00";
  text[10] = 'T';
  return from_rfc3339(text + "Z");
}

task<std::string> type_of(db::session& in, table const& t) {
  auto const found = co_await in.query(
      "select cast(data_type as char(64)) from information_schema.columns where table_schema = database() and "
      "table_name = $1 and column_name = $2",
      {t.name, t.column});
  co_return found.empty() ? std::string{} : found[0].get<std::string>(0);
}

std::string literal(std::string const& type, time_point moment) {
  auto const text = bound_of(type, moment);
  if (type != "binary" && type != "uuid") return fmt::format("'{}'", text.substr(0, text.find('+')));
  if (type == "uuid") return fmt::format("'{}'", text);
  std::string digits = text;
  std::erase(digits, '-');
  return fmt::format("X'{}'", digits);
}

}  // namespace

task<table_status> look_mysql(db::session& in, table const& t) {
  table_status out{.name = t.name, .there = {}, .due = {}, .problem = {}};
  auto const rows = co_await in.query(
      "select cast(partition_name as char(64)), cast(partition_method as char(32)), cast(partition_expression as "
      "char(200)), cast(partition_description as char(200)) from information_schema.partitions where table_schema = "
      "database() and table_name = $1 and partition_name is not null order by partition_ordinal_position",
      {t.name});
  auto const wanted = t.kind == db::partition_kind::range ? "RANGE" : t.kind == db::partition_kind::list ? "LIST" : "";
  std::optional<time_point> before;
  for (auto const& row : rows) {
    auto method = row.get<std::string>(1), column = row.get<std::string>(2);
    std::erase_if(column, [](char c) { return c == '`' || c == '"'; });
    if (!method.starts_with(wanted) ||
        (t.kind == db::partition_kind::hash && method.find("HASH") == std::string::npos &&
         method.find("KEY") == std::string::npos))
      break;
    if (column != t.column) break;
    auto const bound = row.get<std::optional<std::string>>(3).value_or("MAXVALUE");
    partition p{.name = row.get<std::string>(0), .from = before, .to = {}};
    if (t.kind == db::partition_kind::range) p.to = before = moment_in(bound);
    p.is_default = t.kind == db::partition_kind::range && !p.to;
    out.there.push_back(std::move(p));
  }
  if (out.there.size() != rows.size() || rows.empty())
    out.problem =
        fmt::format("{} is not PARTITION BY {} ({}): its migration has to say so when it makes the table", t.name,
                    t.kind == db::partition_kind::range  ? "RANGE COLUMNS"
                    : t.kind == db::partition_kind::list ? "LIST COLUMNS"
                                                         : "HASH",
                    t.column);
  co_return out;
}

// Parts of a hash and of a list are made with the table itself, because MySQL needs at least one.
task<std::vector<std::string>> statements_mysql(db::session& in, table const& t, change const& c) {
  std::vector<std::string> out;
  if (c.what == change::kind::remove) {
    out.push_back(fmt::format("ALTER TABLE {} DROP PARTITION {}", quoted(t.name), quoted(c.partition)));
    co_return out;
  }
  if (t.kind == db::partition_kind::list) {
    out.push_back(fmt::format("ALTER TABLE {} ADD PARTITION (PARTITION {} VALUES IN ('{}'))", quoted(t.name),
                              quoted(c.partition), c.value));
    co_return out;
  }
  auto const now = co_await look_mysql(in, t);
  auto const part =
      fmt::format("PARTITION {} VALUES LESS THAN ({})", quoted(c.partition), literal(co_await type_of(in, t), c.to));
  // A last partition without an end is split: it is empty where partitions are made ahead, and so this is quick.
  auto const last = std::ranges::find(now.there, true, &partition::is_default);
  if (last != now.there.end())
    out.push_back(
        fmt::format("ALTER TABLE {0} REORGANIZE PARTITION {1} INTO ({2}, PARTITION {1} VALUES LESS THAN "
                    "(MAXVALUE))",
                    quoted(t.name), quoted(last->name), part));
  else
    out.push_back(fmt::format("ALTER TABLE {} ADD PARTITION ({})", quoted(t.name), part));
  co_return out;
}

}  // namespace slipway::partitions
