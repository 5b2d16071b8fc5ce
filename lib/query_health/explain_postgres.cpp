#include <slipway/query_health/engines.hpp>

#include <fmt/format.h>

namespace slipway::query_health::detail {
namespace {

char const* type_of(db::value_kind kind) noexcept {
  switch (kind) {
    case db::value_kind::none: return "unknown";
    case db::value_kind::boolean: return "boolean";
    case db::value_kind::integer: return "bigint";
    case db::value_kind::number: return "double precision";
    case db::value_kind::text: return "text";
    case db::value_kind::bytes: return "bytea";
    case db::value_kind::uuid: return "uuid";
    case db::value_kind::time: return "timestamptz";
    case db::value_kind::json: return "jsonb";
    case db::value_kind::decimal: return "numeric";
    case db::value_kind::date: return "date";
  }
  return "unknown";
}

constexpr auto name = "slipway_explain";

void read_node(boost::json::object const& node, std::size_t depth, plan& out) {
  auto const what = text_at(node, "Node Type");
  auto const table = text_at(node, "Relation Name");
  auto const rows = number_at(node, "Plan Rows", 0);
  out.text += fmt::format("{}{}{}{} (rows {:.0f}, cost {:.0f})", depth > 0 ? "\n" : "", std::string(depth * 2, ' '),
                          what, table.empty() ? "" : " on " + table, rows, number_at(node, "Total Cost", 0));
  if (auto const index = text_at(node, "Index Name"); !index.empty()) out.text += " by " + index;
  for (auto const* each : {"Index Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter"})
    if (auto const condition = text_at(node, each); !condition.empty())
      out.text += fmt::format(", {} {}", each, condition);
  if (auto const filter = text_at(node, "Filter"); what == "Seq Scan" && !filter.empty()) {
    auto const called = text_at(node, "Alias");
    out.scans.push_back({.table = table, .called = called.empty() ? table : called, .condition = filter, .kept = rows});
  }
  if (auto const* inside = node.if_contains("Plans"); inside != nullptr && inside->is_array())
    for (auto const& each : inside->get_array())
      if (each.is_object()) read_node(each.get_object(), depth + 1, out);
}

}  // namespace

plan read_postgres_plan(json::value const& document) {
  plan out;
  if (!document.is_array() || document.get_array().empty() || !document.get_array()[0].is_object()) return out;
  auto const* root = document.get_array()[0].get_object().if_contains("Plan");
  if (root != nullptr && root->is_object()) read_node(root->get_object(), 0, out);
  return out;
}

task<plan> explain_postgres(db::database& on, std::string sql, std::vector<db::value_kind> signature,
                            std::chrono::milliseconds limit) {
  std::string types, nothing;
  for (auto const kind : signature) {
    types += (types.empty() ? "(" : ", ") + std::string{type_of(kind)};
    nothing += nothing.empty() ? "(null" : ", null";
  }
  if (!types.empty()) {
    types += ')';
    nothing += ')';
  }
  std::string answer;
  co_await on.transaction([&](db::transaction& tx) -> task<> {
    co_await tx.execute("set transaction read only");
    co_await tx.query_unkept(fmt::format("set local statement_timeout = {}", limit.count()));
    co_await tx.execute("set local plan_cache_mode = force_generic_plan");
    // One that failed in the middle may have left it.
    if (!(co_await tx.query("select 1 from pg_prepared_statements where name = $1", {std::string{name}})).empty())
      co_await tx.query_unkept(fmt::format("deallocate {}", name));
    co_await tx.query_unkept(fmt::format("prepare {}{} as {}", name, types, sql));
    auto const found = co_await tx.query_unkept(fmt::format("explain (format json) execute {}{}", name, nothing));
    answer = found[0].get<std::string>(0);
    co_await tx.query_unkept(fmt::format("deallocate {}", name));
  });
  auto document = json::parse(answer, {.max_depth = 128});
  if (!document) throw db::value_error{"the plan cannot be read"};
  co_return read_postgres_plan(*document);
}

}  // namespace slipway::query_health::detail
