// Which tables are kept in partitions, besides those whose models say so, and how.
#pragma once

#include <slipway/db/partition_rule.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace slipway::db {
BOOST_DESCRIBE_ENUM(period_unit, day, week, month, year)
}

namespace slipway::partitions {

struct table_settings {
  std::string name;
  std::string column = "created_at";
  db::period_unit unit = db::period_unit::month;
  std::uint32_t every = 1;
  std::uint32_t ahead = 3;
  std::uint32_t keep = 0;
  bool drop = true;
};
BOOST_DESCRIBE_STRUCT(table_settings, (), (name, column, unit, every, ahead, keep, drop))

struct settings {
  std::vector<table_settings> tables;
  std::chrono::milliseconds interval{3'600'000};
  std::chrono::milliseconds lock_timeout{2'000};
  std::uint32_t attempts = 5;
};
BOOST_DESCRIBE_STRUCT(settings, (), (tables, interval, lock_timeout, attempts))

}  // namespace slipway::partitions

namespace slipway {

template <>
inline constexpr auto rules_of<partitions::table_settings> = rules(
    field(&partitions::table_settings::name).min_length(1).max_length(40).help("The table."),
    field(&partitions::table_settings::column)
        .min_length(1)
        .help("The column of its PARTITION BY RANGE: a time, a date, or an id of version 7."),
    field(&partitions::table_settings::unit).help("A partition for each day, week, month or year,"),
    field(&partitions::table_settings::every).minimum(1).maximum(1000).help("or for each so many of them."),
    field(&partitions::table_settings::ahead)
        .minimum(1)
        .maximum(1000)
        .help("How many partitions are there before they are needed."),
    field(&partitions::table_settings::keep)
        .maximum(10'000)
        .help("How many whole partitions before the present one are kept; 0: all."),
    field(&partitions::table_settings::drop)
        .help("Drop what is too old; else PostgreSQL detaches it, and MySQL, which cannot, keeps it and says so."));

template <>
inline constexpr auto rules_of<partitions::settings> = rules(
    field(&partitions::settings::tables)
        .help("Tables that their migration parts by time, besides those whose models say so."),
    field(&partitions::settings::interval)
        .minimum(1'000)
        .help("How often the service looks whether partitions are due. One of several processes does it."),
    field(&partitions::settings::lock_timeout)
        .minimum(10)
        .help("How long a change of partitions queues for its table, with everybody else behind it, before it steps "
              "back."),
    field(&partitions::settings::attempts)
        .minimum(1)
        .maximum(1'000)
        .help("How often it asks again before it is left for the next time."));

}  // namespace slipway
