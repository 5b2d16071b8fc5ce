// Which databases hold the rows of sharded tables, and how rows find theirs.
#pragma once

#include <slipway/meta/description.hpp>
#include <slipway/sharding/key.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace slipway::sharding {

// hash: rows of a key are in the slot that its hash names. range: in the slot of the range in which it lies.
// directory: in the slot that a table names for it.
enum class strategy : std::uint8_t { hash, range, directory };
BOOST_DESCRIBE_ENUM(strategy, hash, range, directory)

BOOST_DESCRIBE_ENUM(key_kind, text, number, id)

struct node_settings {
  std::string name;
  std::string url;
};
BOOST_DESCRIBE_STRUCT(node_settings, (), (name, url))

struct table_settings {
  std::string name;
  std::string slot = "slot";
  std::string key = "id";
  std::string by;
};
BOOST_DESCRIBE_STRUCT(table_settings, (), (name, slot, key, by))

struct settings {
  std::vector<node_settings> nodes;
  std::vector<table_settings> tables;
  sharding::strategy strategy = strategy::hash;
  std::uint32_t slots = 4096;
  std::vector<std::string> ranges;
  key_kind range_keys = key_kind::text;
  std::chrono::milliseconds refresh{1'000};
  std::chrono::milliseconds max_age{10'000};
  std::chrono::milliseconds patience{5'000};
  std::uint32_t directory_cache = 100'000;
  std::uint32_t move_batch = 500;
  std::chrono::milliseconds move_pause{0};
  std::chrono::milliseconds fence{3'000};
};
BOOST_DESCRIBE_STRUCT(settings, (),
                      (nodes, tables, strategy, slots, ranges, range_keys, refresh, max_age, patience, directory_cache,
                       move_batch, move_pause, fence))

}  // namespace slipway::sharding

namespace slipway {

template <>
inline constexpr auto rules_of<sharding::node_settings> =
    rules(field(&sharding::node_settings::name)
              .min_length(1)
              .max_length(64)
              .help("A name that stays with the database whatever its address; it is written into it."),
          field(&sharding::node_settings::url).min_length(1).sensitive().help("As database.url."));

template <>
inline constexpr auto rules_of<sharding::table_settings> =
    rules(field(&sharding::table_settings::name).min_length(1).max_length(63).help("The table."),
          field(&sharding::table_settings::slot).min_length(1).help("Its column with the number of the slot."),
          field(&sharding::table_settings::key).min_length(1).help("Its primary key, of one column."),
          field(&sharding::table_settings::by)
              .help("Its column with the key that decides the slot, which its rows cannot change then. Strategy range "
                    "needs it before a range is split."));

template <>
inline constexpr auto rules_of<sharding::settings> = rules(
    field(&sharding::settings::nodes)
        .help("The databases that hold sharded tables, all of one engine. Empty: nothing is sharded. Adding one moves "
              "nothing by itself: `slipway sharding plan` and `move` do."),
    field(&sharding::settings::tables)
        .help("Sharded tables besides those whose models say so, those that others refer to first."),
    field(&sharding::settings::strategy)
        .help("How a key finds its slot: hash, even and without order; range, keys between two bounds together; "
              "directory, a table says. Cannot be changed once there are rows."),
    field(&sharding::settings::slots)
        .minimum(1)
        .maximum(65'536)
        .help("The parts into which rows are dealt, many more than nodes there will ever be: what moves between nodes "
              "is a slot. Cannot be changed once there are rows."),
    field(&sharding::settings::ranges)
        .help("Strategy range: where each slot after the first begins when the cluster is set up, ascending; as many "
              "slots as bounds and one. `slipway sharding split` adds bounds, which are not written here. "
              "Each is a key as range_keys says, or the beginning of its octets in hexadecimal: 0x0198c6."),
    field(&sharding::settings::range_keys)
        .help("Strategy range: what keys are, and so the bounds in ranges. text orders by its bytes; number is for "
              "integers, and times in microseconds since 1970; id is for UUIDs, which begin with their time when they "
              "are of version 7. A model whose key is something else stops the start."),
    field(&sharding::settings::refresh)
        .minimum(10)
        .help("How old a process's knowledge of where slots are may grow before it asks again."),
    field(&sharding::settings::max_age)
        .minimum(100)
        .help("While that cannot be asked: how long the old knowledge is used, before answers are 503. Rows that moved "
              "away are kept this long where they were."),
    field(&sharding::settings::patience)
        .minimum(100)
        .help("How long a write waits for a slot that is just being handed over, before it is answered with 503."),
    field(&sharding::settings::directory_cache)
        .minimum(1)
        .maximum(10'000'000)
        .help("Strategy directory: keys whose slot a shard of the process remembers."),
    field(&sharding::settings::move_batch).minimum(1).maximum(10'000).help("Rows that a move copies at once."),
    field(&sharding::settings::move_pause).help("How long a move rests between two batches, to leave room for others."),
    field(&sharding::settings::fence)
        .minimum(100)
        .help("The longest that a move keeps writers of its slot waiting at a time; what is not finished by then is "
              "let go and tried again. Within it all rows of the slot are read once on both nodes."));

}  // namespace slipway
