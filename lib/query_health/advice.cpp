#include <slipway/query_health/advice.hpp>

#include <slipway/query_health/condition_columns.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace slipway::query_health {
namespace {

constexpr std::size_t most_columns = 4;
constexpr double too_many = 0.2;  // of the rows: reading them all is as good

// As whoever pastes it needs it: MySQL's own client does not take double quotes for names.
std::string quoted(db::dialect on, std::string_view name) {
  auto const mark = on == db::dialect::mysql ? '`' : '"';
  std::string out{mark};
  for (auto const c : name) out.append(c == mark ? 2 : 1, c);
  return out + mark;
}

// At most 60 octets, which every engine takes, and another one for every table and its columns.
std::string index_name(std::string const& table, std::vector<std::string> const& columns) {
  auto whole = fmt::format("{}_{}_idx", table, fmt::join(columns, "_"));
  if (whole.size() <= 60) return whole;
  auto end = std::size_t{51};
  while ((static_cast<unsigned char>(whole[end]) & 0xc0u) == 0x80u) --end;  // not within a character
  std::uint32_t sum = 2'166'136'261;                                        // FNV-1a
  for (auto const c : whole) sum = (sum ^ static_cast<unsigned char>(c)) * 16'777'619u;
  return fmt::format("{}_{:08x}", whole.substr(0, end), sum);
}

std::string create_index(db::dialect on, std::string const& of, std::vector<std::string> const& by) {
  auto const name = quoted(on, index_name(of, by)), table = quoted(on, of);
  std::vector<std::string> columns;
  for (auto const& each : by) columns.push_back(quoted(on, each));
  switch (on) {
    case db::dialect::postgres:
      return fmt::format("create index concurrently {} on {} ({})", name, table, fmt::join(columns, ", "));
    case db::dialect::mysql:
      return fmt::format("create index {} on {} ({}) algorithm=inplace lock=none", name, table,
                         fmt::join(columns, ", "));
    case db::dialect::sqlite: break;
  }
  return fmt::format("create index {} on {} ({})", name, table, fmt::join(columns, ", "));
}

// PostgreSQL tells rows, MySQL a part of them.
double part_kept(db::dialect on, full_scan const& scan, table_facts const& facts) noexcept {
  if (scan.kept < 0) return 0;
  return on == db::dialect::postgres ? scan.kept / static_cast<double>(std::max<std::uint64_t>(1, facts.rows))
                                     : scan.kept;
}

}  // namespace

std::string advice::text() const {
  return fmt::format("{} has about {} rows and is read from end to end: {}", table, rows, sql);
}

std::optional<advice> advise(db::dialect on, full_scan const& scan, table_facts const& facts, std::uint64_t many_rows) {
  if (facts.rows < many_rows || part_kept(on, scan, facts) > too_many) return {};
  std::vector<std::string> wanted = scan.columns;
  if (wanted.empty()) {
    auto const compared = columns_of(scan.condition, facts.columns, {scan.called, scan.table});
    if (compared.has_or) return {};
    wanted = compared.equal;
    for (auto const& each : compared.range)
      if (std::ranges::find(wanted, each) == wanted.end()) {
        wanted.push_back(each);  // one: what stands behind a range in an index finds nothing
        break;
      }
    if (wanted.empty()) wanted = compared.is_null;
  }
  if (wanted.empty()) return {};
  if (wanted.size() > most_columns) wanted.resize(most_columns);
  auto const is_wanted = [&](std::string const& column) { return std::ranges::find(wanted, column) != wanted.end(); };
  if (std::ranges::any_of(facts.indexes, [&](auto const& index) { return !index.empty() && is_wanted(index.front()); }))
    return {};
  return advice{scan.table, wanted, facts.rows, create_index(on, scan.table, wanted)};
}

task<std::vector<advice>> advise(db::database& on, plan const& of, std::uint64_t many_rows) {
  std::vector<advice> out;
  for (auto const& scan : of.scans) {
    auto const facts = co_await facts_of(on, scan.table, many_rows);
    auto found = advise(on.dialect(), scan, facts, many_rows);
    if (found && std::ranges::none_of(out, [&](advice const& a) { return a.sql == found->sql; }))
      out.push_back(std::move(*found));
  }
  co_return out;
}

}  // namespace slipway::query_health
