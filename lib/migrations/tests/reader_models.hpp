// Readers of a library before and after their model promised indexes.
#pragma once

#include "shelf_models.hpp"

namespace slipway::migrations::shelf {

namespace before {

struct reader {
  id_of<reader> id;
  std::string email;
  std::string branch;
  std::int64_t card = 0;
  std::string name;
  id_of<author> favourite;
  time_point joined_at{};
  std::optional<time_point> left_at;
};
BOOST_DESCRIBE_STRUCT(reader, (), (id, email, branch, card, name, favourite, joined_at, left_at))

// In parts by its time.
struct loan {
  id_of<loan> id;
  std::int64_t card = 0;
  time_point at{};
};
BOOST_DESCRIBE_STRUCT(loan, (), (id, card, at))

}  // namespace before

namespace after {

struct reader {
  id_of<reader> id;
  std::string email;
  std::string branch;
  std::int64_t card = 0;
  std::string name;
  id_of<before::author> favourite;
  time_point joined_at{};
  std::optional<time_point> left_at;
};
BOOST_DESCRIBE_STRUCT(reader, (), (id, email, branch, card, name, favourite, joined_at, left_at))

struct loan {
  id_of<loan> id;
  std::int64_t card = 0;
  time_point at{};
};
BOOST_DESCRIBE_STRUCT(loan, (), (id, card, at))

// A column that is new, and unique.
struct reader_with_key {
  id_of<reader_with_key> id;
  std::string email;
  std::string branch;
  std::int64_t card = 0;
  std::string name;
  id_of<before::author> favourite;
  time_point joined_at{};
  std::optional<time_point> left_at;
  std::optional<std::string> door_key;
};
BOOST_DESCRIBE_STRUCT(reader_with_key, (), (id, email, branch, card, name, favourite, joined_at, left_at, door_key))

}  // namespace after

}  // namespace slipway::migrations::shelf

namespace slipway::db {

template <>
inline constexpr auto table_of<migrations::shelf::before::reader> = table<migrations::shelf::before::reader>("readers");

template <>
inline constexpr auto table_of<migrations::shelf::after::reader> =
    table<migrations::shelf::after::reader>("readers")
        .unique(&migrations::shelf::after::reader::email)
        .unique(&migrations::shelf::after::reader::branch, &migrations::shelf::after::reader::card)
        .unique(&migrations::shelf::after::reader::name, where_null(&migrations::shelf::after::reader::left_at))
        .index(&migrations::shelf::after::reader::favourite, &migrations::shelf::after::reader::joined_at)
        .index(&migrations::shelf::after::reader::joined_at, where_null(&migrations::shelf::after::reader::left_at));

template <>
inline constexpr auto table_of<migrations::shelf::after::reader_with_key> =
    table<migrations::shelf::after::reader_with_key>("readers").unique(
        &migrations::shelf::after::reader_with_key::door_key);

template <>
inline constexpr auto table_of<migrations::shelf::before::loan> =
    table<migrations::shelf::before::loan>("loans").partition_by_range(&migrations::shelf::before::loan::at,
                                                                       std::chrono::months{1});
template <>
inline constexpr auto table_of<migrations::shelf::after::loan> =
    table<migrations::shelf::after::loan>("loans")
        .partition_by_range(&migrations::shelf::after::loan::at, std::chrono::months{1})
        .unique(&migrations::shelf::after::loan::card, &migrations::shelf::after::loan::at)
        .index(&migrations::shelf::after::loan::at);

}  // namespace slipway::db
