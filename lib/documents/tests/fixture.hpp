// The same tests on all stores: each test has a database of its own.
#pragma once

#include "../../db/tests/fixture.hpp"
#include "mongodb_server.hpp"

#include <slipway/core/decimal.hpp>
#include <slipway/documents/collection.hpp>
#include <slipway/documents/connect.hpp>
#include <slipway/documents/mongodb_errors.hpp>
#include <slipway/documents/sql_store.hpp>
#include <slipway/json/value.hpp>
#include <slipway/meta/scalars.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace slipway::documents::tests {

enum class level { guest, member, admin };
BOOST_DESCRIBE_ENUM(level, guest, member, admin)

struct address {
  std::string city;
  int number = 0;
};
BOOST_DESCRIBE_STRUCT(address, (), (city, number))

struct item {
  std::string name;
  decimal<2> price;
};
BOOST_DESCRIBE_STRUCT(item, (), (name, price))

struct person {
  id_of<person> id;
  std::string email;
  std::string name;
  std::optional<std::string> nickname;
  tests::level level = tests::level::guest;
  int age = 0;
  std::int64_t visits = 0;
  double score = 0;
  bool active = false;
  decimal<2> balance;
  std::chrono::milliseconds spent{0};
  std::chrono::year_month_day born{std::chrono::year{2000} / 1 / 1};
  address home;
  std::optional<address> work;
  std::vector<std::string> tags;
  std::vector<int> numbers;
  std::vector<item> items;
  std::map<std::string, int, std::less<>> counts;
  json::value extra;
  db::bytes photo;
  std::optional<uuid> friend_id;
  std::optional<time_point> seen_at;
  std::int64_t version = 0;
  time_point created_at{}, updated_at{};
};
BOOST_DESCRIBE_STRUCT(person, (),
                      (id, email, name, nickname, level, age, visits, score, active, balance, spent, born, home, work,
                       tags, numbers, items, counts, extra, photo, friend_id, seen_at, version, created_at, updated_at))

// Keyed by a name, and followed.
struct setting {
  std::string id;
  std::string value;
  std::vector<std::string> tags;
  std::int64_t uses = 0;
};
BOOST_DESCRIBE_STRUCT(setting, (), (id, value, tags, uses))

}  // namespace slipway::documents::tests

template <>
inline constexpr auto slipway::documents::collection_of<slipway::documents::tests::person> =
    collection_named<slipway::documents::tests::person>("people")
        .version(col<&slipway::documents::tests::person::version>)
        .timestamps(col<&slipway::documents::tests::person::created_at>,
                    col<&slipway::documents::tests::person::updated_at>)
        .unique(col<&slipway::documents::tests::person::email>)
        .unique(col<&slipway::documents::tests::person::nickname>)
        .index(col<&slipway::documents::tests::person::home, &slipway::documents::tests::address::city>,
               col<&slipway::documents::tests::person::age>)
        .expires_after(col<&slipway::documents::tests::person::seen_at>, std::chrono::hours{24});
template <>
inline constexpr auto slipway::documents::collection_of<slipway::documents::tests::setting> =
    collection_named<slipway::documents::tests::setting>("settings").feed(std::chrono::hours{1});

namespace slipway::documents::tests {

enum class engine { sqlite, postgres, mysql, mongodb };
inline std::string name_of(testing::TestParamInfo<engine> const& info) {
  switch (info.param) {
    case engine::sqlite: return "sqlite";
    case engine::postgres: return "postgres";
    case engine::mysql: return "mysql";
    case engine::mongodb: return "mongodb";
  }
  return "";
}

inline auto all_stores() { return testing::Values(engine::sqlite, engine::postgres, engine::mysql, engine::mongodb); }

class each_store : public testing::TestWithParam<engine> {
 protected:
  void SetUp() override;
  void TearDown() override;

  template <class T>
  T run(task<T> work) {
    return shards_.run(std::move(work));
  }
  // For tests of what only some servers have.
  bool is_sql() const { return GetParam() != engine::mongodb; }
  bool has_all_accumulators() const { return !facts_.is_ferret; }
  bool has_atomic_changes() const { return !facts_.is_ferret; }
  // A MongoDB by itself has neither.
  bool has_transactions() const { return is_sql() || facts_.is_replicated(); }
  bool has_feeds() const { return is_sql() || facts_.is_replicated(); }

  manual_clock clock_{time_point{std::chrono::sys_days{std::chrono::year{2026} / 5 / 1}}};
  shards shards_{2};
  // Statements count for their operation where somebody observes them.
  struct statements_watch final : db::observer {
    void on_query(db::query_event const&) noexcept override {}
  } watch_;
  std::unique_ptr<db::database> db_;
  std::unique_ptr<blocking_pool> pool_;
  std::unique_ptr<store> store_;
  mongodb::server_facts facts_;  // what the server itself says
};

// Tests of people, mostly.
class people_on : public each_store {
 protected:
  std::vector<std::string> names(filter<person> f) {
    auto found = run(people().where(std::move(f)).order_by(asc<&person::name>).all());
    std::vector<std::string> out;
    for (auto const& each : found) out.push_back(each.name);
    return out;
  }
  collection<person> people() { return collection<person>{*store_}; }
  collection<setting> settings() { return collection<setting>{*store_}; }
};

inline std::vector<collection_info const*> all_collections() { return {&info_of<person>, &info_of<setting>}; }

// People with these names, ages and cities.
person make(std::string name, int age = 30, std::string city = "Bern");

}  // namespace slipway::documents::tests
