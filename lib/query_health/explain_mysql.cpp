#include <slipway/core/clock.hpp>
#include <slipway/query_health/condition_columns.hpp>
#include <slipway/query_health/engines.hpp>

#include <fmt/format.h>

namespace slipway::query_health::detail {
namespace {

// Values that nobody asked with: a null would make a condition impossible, and the plan with it.
db::value made_up(db::value_kind kind) {
  switch (kind) {
    case db::value_kind::none: return std::string{"0"};
    case db::value_kind::boolean: return true;
    case db::value_kind::integer: return std::int64_t{1};
    case db::value_kind::number: return 1.0;
    case db::value_kind::text: return std::string{"0"};
    case db::value_kind::bytes: return db::bytes{"0"};
    case db::value_kind::uuid: return uuid{};
    case db::value_kind::time: return time_point{};
    case db::value_kind::json: return db::json_text{"{}"};
    case db::value_kind::decimal: return std::int64_t{1};
    case db::value_kind::date: return std::string{"2000-01-01"};
  }
  return nullptr;
}

void read_part(json::value const& part, std::string_view sql, plan& out) {
  if (part.is_array())
    for (auto const& each : part.get_array()) read_part(each, sql, out);
  if (!part.is_object()) return;
  auto const& o = part.get_object();
  auto const called = text_at(o, "table_name"), access = text_at(o, "access_type");
  if (!called.empty() && !access.empty()) {
    auto const condition = text_at(o, "attached_condition");
    auto const filtered = number_at(o, "filtered", -1);
    out.text += fmt::format("{}{} on {} (rows {:.0f})", out.text.empty() ? "" : "\n", access, called,
                            number_at(o, "rows", number_at(o, "rows_examined_per_scan", 0)));
    if (auto const key = text_at(o, "key"); !key.empty()) out.text += " by " + key;
    if (!condition.empty()) out.text += ", filter " + condition;
    if ((access == "ALL" || access == "index") && !condition.empty())
      out.scans.push_back(
          {.table = table_behind(sql, called), .called = called, .condition = condition, .kept = filtered});
  }
  for (auto const& member : o) read_part(member.value(), sql, out);
}

}  // namespace

std::string with_quotes_escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    auto const begin = line.find("\": \"");
    auto const end = line.rfind('"');
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"' && begin != std::string_view::npos && i > begin + 3 && i < end && line[i - 1] != '\\')
        out += '\\';
      out += line[i];
    }
    out += '\n';
  }
  return out;
}

plan read_mysql_plan(json::value const& document, std::string_view sql) {
  plan out;
  read_part(document, sql, out);
  return out;
}

task<plan> explain_mysql(db::database& on, std::string sql, std::vector<db::value_kind> signature) {
  db::values with;
  for (auto const kind : signature) with.push_back(made_up(kind));
  auto const found = co_await on.query_unkept("explain format=json " + sql, std::move(with));
  auto const text = found[0].get<std::string>(0);
  auto document = json::parse(text, {.max_depth = 128});
  if (!document) document = json::parse(with_quotes_escaped(text), {.max_depth = 128});
  if (!document) throw db::value_error{"the plan cannot be read: " + text};
  auto out = read_mysql_plan(*document, sql);
  // The part of the rows that is kept is told in percent where there are statistics, and as everything where not.
  for (auto& scan : out.scans) scan.kept = scan.kept > 0 && scan.kept < 100 ? scan.kept / 100 : -1;
  co_return out;
}

}  // namespace slipway::query_health::detail
