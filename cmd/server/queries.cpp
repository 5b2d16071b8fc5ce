// The commands of `queries`: what the service calls slow, what the database's server has counted, which indexes are
// missing.
#include "controllers/queries.hpp"
#include "cmd/server/command_line.hpp"
#include "cmd/server/running.hpp"
#include "cmd/server/schema.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/query_health/advice.hpp>
#include <slipway/query_health/statements.hpp>

#include <fmt/format.h>

#include <set>

namespace app {
namespace {

constexpr std::chrono::seconds plan_limit{10};

db::settings for_command(settings const& s) {
  auto out = existing(s.database);
  out.replicas.clear();
  out.connections = 1;
  return out;
}

double in_ms(std::chrono::microseconds t) noexcept { return static_cast<double>(t.count()) / 1000; }

// On one line, cut where a terminal ends.
std::string short_form(std::string_view sql, std::size_t most) {
  std::string out;
  for (auto c : sql)
    if (c != '\n' && c != '\t' && (c != ' ' || !out.ends_with(' ')))
      out += c;
    else if (!out.ends_with(' '))
      out += ' ';
  if (out.size() > most) out = out.substr(0, most - 3) + "...";
  return out;
}

void print_indented(std::string_view text) {
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    fmt::print("    {}\n", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

struct finding {
  std::string sql;
  query_health::advice advised;
};

}  // namespace

int queries_slow(invocation const& in, std::string const& from, bool json) {
  auto const loaded = in.load();
  auto const body = ask_running(loaded.value, from, "/queries/slow");
  if (json) {
    fmt::print("{}\n", body);
    return 0;
  }
  auto const all = json::read<slow_statements_view>(body);
  if (!all) throw startup_error{exit_code::data, "the service's answer cannot be read: is it of this version?"};
  for (auto const& s : all->statements) {
    fmt::print("{}  {:.1f} ms, {} rows, {}\n    {}\n", to_rfc3339(s.at), s.took_ms, s.rows, s.place, s.sql);
    print_indented(s.plan);
    if (!s.no_plan.empty()) fmt::print("    no plan: {}\n", s.no_plan);
    for (auto const& a : s.advice) fmt::print("    missing: {}\n", a.create);
  }
  fmt::print("{} slow statements since the start{}.\n", all->count,
             all->count > all->statements.size() ? fmt::format(", the last {} are shown", all->statements.size()) : "");
  return 0;
}

int queries_statements(invocation const& in, unsigned most) {
  auto const loaded = in.load();
  shards on{1};
  auto database = db::connect(for_command(loaded.value), on);
  try {
    auto const counted = on.run(query_health::most_expensive(database, most));
    fmt::print("{:>6} {:>12} {:>10} {:>10} {:>10}  statement\n", "share", "total ms", "calls", "mean ms", "rows");
    for (auto const& s : counted)
      fmt::print("{:>5.1f}% {:>12.1f} {:>10} {:>10.3f} {:>10}  {}\n", s.share * 100, in_ms(s.total), s.calls,
                 in_ms(s.mean), s.rows, short_form(s.sql, 160));
  } catch (query_health::not_counted_error const& why) {
    throw startup_error{exit_code::unavailable, why.what()};
  }
  return 0;
}

int queries_advise(invocation const& in, std::vector<std::string> statements, unsigned most) {
  auto const loaded = in.load();
  shards on{1};
  auto database = db::connect(for_command(loaded.value), on);
  if (statements.empty()) {
    try {
      for (auto& s : on.run(query_health::most_expensive(database, most)))
        if (query_health::has_plan(s.sql)) statements.push_back(std::move(s.sql));
    } catch (query_health::not_counted_error const& why) {
      throw startup_error{exit_code::unavailable,
                          std::string{why.what()} + ". Or name statements: --sql \"select ...\""};
    }
  }
  std::set<std::string> told;
  std::size_t without_plan = 0;
  for (auto const& sql : statements) {
    try {
      auto const plan = on.run(query_health::explain(database, sql, {}, plan_limit));
      for (auto const& a : on.run(query_health::advise(database, plan, loaded.value.queries.many_rows))) {
        if (!told.insert(a.sql).second) continue;
        fmt::print("{};\n    for: {}\n    {} has about {} rows and is read from end to end\n", a.sql,
                   short_form(sql, 160), a.table, a.rows);
      }
    } catch (db::error const& why) {
      ++without_plan;  // of another program, with tables that this user must not see
      if (statements.size() == 1) throw;
    }
  }
  fmt::print("{} statements, {} missing indexes{}.\n", statements.size(), told.size(),
             without_plan > 0 ? fmt::format(", {} statements could not be explained", without_plan) : "");
  return told.empty() ? 0 : 1;
}

}  // namespace app
