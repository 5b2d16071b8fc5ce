// The rows and documents of the measurements.
#pragma once

#include <slipway/db/relation.hpp>
#include <slipway/db/table.hpp>
#include <slipway/meta/description.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bench {

struct message {
  std::string message;
};
BOOST_DESCRIBE_STRUCT(message, (), (message))

struct world {
  std::int32_t id = 0;
  std::int32_t random_number = 0;
};
BOOST_DESCRIBE_STRUCT(world, (), (id, random_number))

struct fortune {
  std::int32_t id = 0;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(fortune, (), (id, message))

// An author has a hundred books.
struct book {
  std::int32_t id = 0;
  std::int32_t author_id = 0;
  std::string title;
  std::int32_t pages = 0;
};
BOOST_DESCRIBE_STRUCT(book, (), (id, author_id, title, pages))

struct author {
  std::int32_t id = 0;
  std::string name;
  slipway::db::many<book> books;
};
BOOST_DESCRIBE_STRUCT(author, (), (id, name))

struct author_view {
  std::int32_t id = 0;
  std::string name;
  std::vector<book> books;
};
BOOST_DESCRIBE_STRUCT(author_view, (), (id, name, books))

struct entry {
  std::int64_t id = 0;
  std::int32_t owner_id = 0;
  std::string title;
};
BOOST_DESCRIBE_STRUCT(entry, (), (id, owner_id, title))

struct account {
  std::int32_t id = 0;
  std::int64_t balance = 0;
};
BOOST_DESCRIBE_STRUCT(account, (), (id, balance))

struct transfer {
  std::int64_t id = 0;
  std::int32_t account_id = 0;
  std::int32_t amount = 0;
};
BOOST_DESCRIBE_STRUCT(transfer, (), (id, account_id, amount))

struct transfer_view {
  std::int32_t account_id = 0;
  std::int64_t balance = 0;
  std::int64_t transfer_id = 0;
};
BOOST_DESCRIBE_STRUCT(transfer_view, (), (account_id, balance, transfer_id))

struct count_query {
  int n = 1;
};
BOOST_DESCRIBE_STRUCT(count_query, (), (n))

// Ten members with a rule each, as a form of a real service has them.
struct order {
  std::string customer;
  std::string email;
  std::string street;
  std::string city;
  std::string country;
  std::string currency;
  std::int64_t amount = 0;
  std::int32_t quantity = 0;
  std::vector<std::string> tags;
  bool gift = false;
};
BOOST_DESCRIBE_STRUCT(order, (), (customer, email, street, city, country, currency, amount, quantity, tags, gift))

struct accepted_order {
  std::int64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(accepted_order, (), (total))

}  // namespace bench

template <>
inline constexpr auto slipway::db::table_of<bench::world> = slipway::db::table<bench::world>("world");
template <>
inline constexpr auto slipway::db::table_of<bench::fortune> = slipway::db::table<bench::fortune>("fortune");
template <>
inline constexpr auto slipway::db::table_of<bench::book> = slipway::db::table<bench::book>("book");
template <>
inline constexpr auto slipway::db::table_of<bench::author> =
    slipway::db::table<bench::author>("author").has_many<&bench::author::books>(&bench::book::author_id);
template <>
inline constexpr auto slipway::db::table_of<bench::entry> = slipway::db::table<bench::entry>("entry");
template <>
inline constexpr auto slipway::db::table_of<bench::account> = slipway::db::table<bench::account>("account");
template <>
inline constexpr auto slipway::db::table_of<bench::transfer> = slipway::db::table<bench::transfer>("transfer");

template <>
inline constexpr auto slipway::rules_of<bench::count_query> =
    slipway::rules(field(&bench::count_query::n).optional().minimum(1).maximum(500));

template <>
inline constexpr auto slipway::rules_of<bench::order> = slipway::rules(
    field(&bench::order::customer).not_blank().max_length(100), field(&bench::order::email).email().max_length(254),
    field(&bench::order::street).min_length(1).max_length(200),
    field(&bench::order::city).min_length(1).max_length(100), field(&bench::order::country).min_length(2).max_length(2),
    field(&bench::order::currency).min_length(3).max_length(3),
    field(&bench::order::amount).minimum(1).maximum(100'000'000),
    field(&bench::order::quantity).minimum(1).maximum(1000), field(&bench::order::tags).max_items(10).unique_items());
