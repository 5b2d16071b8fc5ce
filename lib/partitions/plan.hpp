// Which partitions a table should have, and what is to be done: dates alone, without a database.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/db/table_info.hpp>
#include <slipway/partitions/settings.hpp>

#include <optional>
#include <string>
#include <vector>

namespace slipway::partitions {

// A table and its rule, whoever said it.
struct table {
  std::string name, column;
  db::partition_kind kind = db::partition_kind::range;
  db::period every{};
  db::partition_upkeep upkeep{};
  unsigned parts = 0;
  std::vector<std::string> values;

  // The traits must have a rule.
  explicit table(db::table_info const& info);
  // Throws startup_error(config) for names that are none.
  explicit table(table_settings const& s);
};
using tables = std::vector<table>;

// `tables_of<event, invoice>()`: those with a rule.
template <db::stored... T>
tables tables_of() {
  tables out;
  ((db::info_of<T>.partitions.kind != db::partition_kind::none ? (void)out.emplace_back(db::info_of<T>) : void()), ...);
  return out;
}

// A partition that is there. Of one that is no range, or has no lower or upper end, that is empty.
struct partition {
  std::string name;
  std::optional<time_point> from, to;
  bool is_default = false;
};

struct change {
  enum class kind : std::uint8_t { create, remove };
  kind what = kind::create;
  std::string partition;  // its name
  time_point from{}, to{};
  unsigned remainder = 0;  // of hash
  std::string value;       // of list
};

// The beginning of the period in which the moment lies, in UTC: weeks begin on Mondays, months{3} with the quarters.
time_point start_of(db::period p, time_point moment);
// The beginning of the next one (or of the one before).
time_point next_start(db::period p, time_point start, int steps = 1);
// events_p2026_01, events_p2026_01_05 for weeks and days, events_p2026 for years.
std::string partition_name(std::string const& table, db::period p, time_point start);

// In the order in which it should be done: what is new first. A period that a partition covers in part is left out.
std::vector<change> plan(table const& t, std::vector<partition> const& there, time_point now);

}  // namespace slipway::partitions
