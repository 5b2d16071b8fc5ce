#include <slipway/query_health/condition_columns.hpp>
#include <slipway/query_health/engines.hpp>

#include <map>

namespace slipway::query_health::detail {
namespace {

// "SCAN notes" and "SEARCH n USING AUTOMATIC COVERING INDEX (owner_id=?)" are tables without an index that fits; what
// is USING INDEX otherwise is well.
void read_step(std::string_view step, std::string_view sql, plan& out) {
  auto const automatic = step.find(" USING AUTOMATIC ");
  auto const is_scan = step.starts_with("SCAN ") && step.find(" USING ") == std::string_view::npos;
  if (!is_scan && automatic == std::string_view::npos) return;
  auto name = step.substr(step.find(' ') + 1);
  name = name.substr(0, name.find(' '));
  full_scan scan{.table = table_behind(sql, name), .called = std::string{name}};
  if (automatic != std::string_view::npos) {
    auto list = step.substr(std::min(step.rfind('(') + 1, step.size()));
    while (!list.empty() && list.front() != ')') {
      auto const end = list.find_first_of("=<>");
      if (end == std::string_view::npos) break;
      scan.columns.emplace_back(list.substr(0, end));
      auto const next = list.find(" AND ");
      list = next == std::string_view::npos ? std::string_view{} : list.substr(next + 5);
    }
  } else {
    scan.condition = where_of(sql);
  }
  if (!scan.condition.empty() || !scan.columns.empty()) out.scans.push_back(std::move(scan));
}

}  // namespace

task<plan> explain_sqlite(db::database& on, std::string sql, std::vector<db::value_kind> signature) {
  db::values nothing;
  for (std::size_t i = 0; i < signature.size(); ++i) nothing.push_back(nullptr);
  auto const steps = co_await on.query_unkept("explain query plan " + sql, std::move(nothing));
  plan out;
  std::map<std::int64_t, std::size_t> depth{{0, 0}};
  for (auto const& step : steps) {
    auto const level = depth[step.get<std::int64_t>(1)];
    depth[step.get<std::int64_t>(0)] = level + 1;
    auto const text = step.get<std::string>(3);
    out.text += (out.text.empty() ? "" : "\n") + std::string(level * 2, ' ') + text;
    read_step(text, sql, out);
  }
  co_return out;
}

}  // namespace slipway::query_health::detail
