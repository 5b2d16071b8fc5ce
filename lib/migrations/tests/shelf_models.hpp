// A small library's tables in two versions of its program, as the tests of the comparison with a database know them.
#pragma once

#include <slipway/db/models.hpp>
#include <slipway/json/value.hpp>
#include <slipway/meta/scalars.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::migrations::shelf {

enum class genre { novel, poetry };
BOOST_DESCRIBE_ENUM(genre, novel, poetry)

namespace before {

struct author {
  id_of<author> id;
  std::string name;
  std::optional<std::string> phone;
};
BOOST_DESCRIBE_STRUCT(author, (), (id, name, phone))

struct book {
  id_of<book> id;
  id_of<author> author_id;
  std::string title;
  std::int32_t pages = 0;
  std::string remark;
};
BOOST_DESCRIBE_STRUCT(book, (), (id, author_id, title, pages, remark))

// Everything that a column can be.
struct sample {
  std::int64_t id = 0;
  bool flag = false;
  std::int16_t small = 0;
  std::uint32_t natural = 0;
  double ratio = 0;
  std::string text;
  shelf::genre genre = shelf::genre::novel;
  uuid other;
  time_point at{};
  std::chrono::year_month_day day{std::chrono::year{2026} / 1 / 1};
  std::chrono::milliseconds took{0};
  decimal<2> price;
  db::bytes octets;
  std::vector<std::string> words;
  std::vector<std::int64_t> numbers;
  std::map<std::string, std::string, std::less<>> pairs;
  json::value extra;
  std::optional<std::string> maybe;
};
BOOST_DESCRIBE_STRUCT(sample, (),
                      (id, flag, small, natural, ratio, text, genre, other, at, day, took, price, octets, words,
                       numbers, pairs, extra, maybe))

}  // namespace before

namespace after {

struct author {
  id_of<author> id;
  std::string name;
  std::string phone = "none";  // was optional
};
BOOST_DESCRIBE_STRUCT(author, (), (id, name, phone))

struct book {
  id_of<book> id;
  id_of<author> author_id;
  std::optional<id_of<author>> editor_id;  // new
  std::string title;
  std::int64_t pages = 0;                     // was smaller
  std::optional<std::string> remark;          // was there always
  shelf::genre genre = shelf::genre::poetry;  // new, and what it is for old rows
  std::string quotation = "it's \"so\"";
  bool lent = true;
  time_point bought_at{};
  std::vector<std::string> tags;
  std::optional<double> weight;
};
BOOST_DESCRIBE_STRUCT(book, (),
                      (id, author_id, editor_id, title, pages, remark, genre, quotation, lent, bought_at, tags, weight))

struct review {  // new
  std::int64_t id = 0;
  id_of<book> book_id;
  std::optional<std::int64_t> answers;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(review, (), (id, book_id, answers, text))

}  // namespace after

struct event {
  id_of<event> id;
  time_point at{};
};
BOOST_DESCRIBE_STRUCT(event, (), (id, at))

struct mark {
  std::int64_t id = 0;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(mark, (), (id, text))

struct order {
  id_of<order> id;
  std::string region;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, region))

struct egg;
struct hen {
  id_of<hen> id;
  id_of<egg> from;
};
BOOST_DESCRIBE_STRUCT(hen, (), (id, from))
struct egg {
  id_of<egg> id;
  std::optional<id_of<hen>> of;
};
BOOST_DESCRIBE_STRUCT(egg, (), (id, of))

}  // namespace slipway::migrations::shelf

namespace slipway::db {

template <>
inline constexpr auto table_of<migrations::shelf::event> =
    table<migrations::shelf::event>("events").partition_by_range(&migrations::shelf::event::at, std::chrono::months{1});
template <>
inline constexpr auto table_of<migrations::shelf::mark> =
    table<migrations::shelf::mark>("marks").partition_by_hash(&migrations::shelf::mark::id, 4);
template <>
inline constexpr auto table_of<migrations::shelf::order> =
    table<migrations::shelf::order>("orders").partition_by_list(&migrations::shelf::order::region, "eu", "us");
template <>
inline constexpr auto table_of<migrations::shelf::hen> = table<migrations::shelf::hen>("hens");
template <>
inline constexpr auto table_of<migrations::shelf::egg> = table<migrations::shelf::egg>("eggs");

template <>
inline constexpr auto table_of<migrations::shelf::before::author> = table<migrations::shelf::before::author>("authors");
template <>
inline constexpr auto table_of<migrations::shelf::before::book> = table<migrations::shelf::before::book>("books");
template <>
inline constexpr auto table_of<migrations::shelf::before::sample> =
    table<migrations::shelf::before::sample>("samples").array(&migrations::shelf::before::sample::numbers);
template <>
inline constexpr auto table_of<migrations::shelf::after::author> = table<migrations::shelf::after::author>("authors");
template <>
inline constexpr auto table_of<migrations::shelf::after::book> = table<migrations::shelf::after::book>("books");
template <>
inline constexpr auto table_of<migrations::shelf::after::review> = table<migrations::shelf::after::review>("reviews");

}  // namespace slipway::db

namespace slipway::migrations::shelf {

// The one that is referred to comes last, so that its place is found by what leads to it.
inline db::models models_before() { return db::models_of<before::book, before::sample, before::author>(); }
inline db::models models_after() { return db::models_of<after::review, after::book, before::sample, after::author>(); }

}  // namespace slipway::migrations::shelf
