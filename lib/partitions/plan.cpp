#include <slipway/partitions/plan.hpp>

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::partitions {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int longest_name = 40;  // its partitions' names must fit into 63

bool is_name(std::string const& name) noexcept {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::int64_t floor_to(std::int64_t number, std::int64_t step) noexcept {
  auto const rest = number % step;
  return number - (rest < 0 ? rest + step : rest);
}

sys_days month_start(std::int64_t months_since_1970) noexcept {
  return sys_days{std::chrono::year{1970} / 1 / 1 + std::chrono::months{months_since_1970}};
}

// The first Monday.
constexpr sys_days weeks_begin{std::chrono::year{1970} / 1 / 5};

bool is_by_month(db::period p) noexcept { return p.unit == db::period_unit::month || p.unit == db::period_unit::year; }
std::int64_t length_of(db::period p) noexcept {
  switch (p.unit) {
    case db::period_unit::day:
    case db::period_unit::month: return p.count;
    case db::period_unit::week: return std::int64_t{7} * p.count;
    case db::period_unit::year: return std::int64_t{12} * p.count;
  }
  return 1;
}

std::vector<change> plan_parts(table const& t, std::vector<partition> const& there) {
  std::vector<change> out;
  auto const add = [&](std::string name, unsigned remainder, std::string value) {
    if (std::ranges::find(there, name, &partition::name) == there.end())
      out.push_back({.partition = std::move(name), .remainder = remainder, .value = std::move(value)});
  };
  if (t.kind == db::partition_kind::hash)
    for (unsigned i = 0; i < t.parts; ++i) add(fmt::format("{}_p{}", t.name, i), i, "");
  else
    for (unsigned i = 0; i < t.values.size(); ++i) add(fmt::format("{}_p_{}", t.name, t.values[i]), i, t.values[i]);
  return out;
}

}  // namespace

table::table(db::table_info const& info)
    : name{info.name},
      column{info.column(info.partitions.column)},
      kind{info.partitions.kind},
      every{info.partitions.every},
      upkeep{info.partitions.upkeep},
      parts{info.partitions.parts},
      values(info.partitions.values().begin(), info.partitions.values().end()) {}

table::table(table_settings const& s)
    : name{s.name},
      column{s.column},
      every{s.unit, static_cast<std::uint16_t>(s.every)},
      upkeep{static_cast<std::uint16_t>(s.ahead), static_cast<std::uint16_t>(s.keep), s.drop} {
  if (!is_name(name) || !is_name(column) || name.size() > longest_name)
    throw startup_error{exit_code::config,
                        fmt::format("partitions.tables: '{}', '{}': names have letters, digits and '_', a table's at "
                                    "most {}",
                                    name, column, longest_name)};
}

time_point start_of(db::period p, time_point moment) {
  auto const day = floor<days>(moment);
  if (is_by_month(p)) {
    year_month_day const date{day};
    auto const month =
        (static_cast<int>(date.year()) - 1970) * std::int64_t{12} + static_cast<unsigned>(date.month()) - 1;
    return month_start(floor_to(month, length_of(p)));
  }
  auto const first = p.unit == db::period_unit::week ? weeks_begin : sys_days{};
  return first + days{floor_to((day - first).count(), length_of(p))};
}

time_point next_start(db::period p, time_point start, int steps) {
  auto const day = floor<days>(start);
  if (!is_by_month(p)) return day + days{steps * length_of(p)};
  return sys_days{year_month_day{day} + std::chrono::months{steps * length_of(p)}};
}

std::string partition_name(std::string const& table, db::period p, time_point start) {
  year_month_day const date{floor<days>(start)};
  auto const year = static_cast<int>(date.year());
  auto const month = static_cast<unsigned>(date.month()), day = static_cast<unsigned>(date.day());
  switch (p.unit) {
    case db::period_unit::year: return fmt::format("{}_p{:04}", table, year);
    case db::period_unit::month: return fmt::format("{}_p{:04}_{:02}", table, year, month);
    case db::period_unit::week:
    case db::period_unit::day: return fmt::format("{}_p{:04}_{:02}_{:02}", table, year, month, day);
  }
  return table;
}

std::vector<change> plan(table const& t, std::vector<partition> const& there, time_point now) {
  if (t.kind != db::partition_kind::range) return plan_parts(t, there);
  std::vector<change> out;
  auto const present = start_of(t.every, now);
  for (int i = 0; i <= t.upkeep.ahead; ++i) {
    auto const from = next_start(t.every, present, i), to = next_start(t.every, present, i + 1);
    auto const is_covered = std::ranges::any_of(there, [&](partition const& p) {
      return !p.is_default && (!p.from || *p.from < to) && (!p.to || *p.to > from);
    });
    if (!is_covered) out.push_back({.partition = partition_name(t.name, t.every, from), .from = from, .to = to});
  }
  if (t.upkeep.keep == 0) return out;
  auto const oldest = next_start(t.every, present, -static_cast<int>(t.upkeep.keep));
  for (auto const& p : there)
    if (!p.is_default && p.to && *p.to <= oldest)
      out.push_back({.what = change::kind::remove, .partition = p.name, .from = p.from.value_or(*p.to), .to = *p.to});
  return out;
}

}  // namespace slipway::partitions
