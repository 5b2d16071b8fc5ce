// What is told of statements.
#pragma once

#include <slipway/meta/description.hpp>
#include <slipway/meta/rules.hpp>

#include <chrono>
#include <cstdint>

namespace slipway::query_health {

struct settings {
  std::chrono::milliseconds threshold{1'000};
  double sample = 1;
  unsigned per_minute = 60;
  bool explain = true;
  std::chrono::milliseconds explain_again{3'600'000};
  std::uint64_t many_rows = 10'000;
  std::chrono::milliseconds statistics{0};
};
BOOST_DESCRIBE_STRUCT(settings, (), (threshold, sample, per_minute, explain, explain_again, many_rows, statistics))

}  // namespace slipway::query_health

template <>
inline constexpr auto slipway::rules_of<slipway::query_health::settings> = rules(
    field(&slipway::query_health::settings::threshold)
        .help("A statement that takes as long is told in the log, with its line and its plan; 0: none is"),
    field(&slipway::query_health::settings::sample).minimum(0).maximum(1).help("Which part of them is told, by chance"),
    field(&slipway::query_health::settings::per_minute)
        .minimum(1)
        .maximum(100'000)
        .help("How many at most; the next line tells how many were left out"),
    field(&slipway::query_health::settings::explain)
        .help("Whether the plan is asked for, with EXPLAIN and without ANALYZE, on a connection of its own"),
    field(&slipway::query_health::settings::explain_again)
        .minimum(1'000)
        .help("After how long the same statement is explained again"),
    field(&slipway::query_health::settings::many_rows)
        .minimum(1)
        .unit("rows")
        .help("From how many rows on a table that is read from end to end is worth an index"),
    field(&slipway::query_health::settings::statistics)
        .help(
            "How often the size of the database, dead rows, wasted space and the oldest transaction are asked for, by "
            "one process of all; 0: never"));
