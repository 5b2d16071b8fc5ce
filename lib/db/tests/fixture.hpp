// The same tests on all engines: each test has a database of its own. PostgreSQL is the server that
// SLIPWAY_TEST_POSTGRES names, or one that is started here when the machine has its programs; MariaDB or MySQL is the
// one that SLIPWAY_TEST_MYSQL names, or a MariaDB of our own.
#pragma once

#include "mysql_server.hpp"
#include "postgres_server.hpp"

#include <slipway/core/one_shot.hpp>
#include <slipway/db/database.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace slipway::db::tests {

enum class role { member, admin };
BOOST_DESCRIBE_ENUM(role, member, admin)

struct address {
  std::string street;
  int number = 0;
};
BOOST_DESCRIBE_STRUCT(address, (), (street, number))

struct note;

struct user {
  id_of<user> id;
  std::string email;
  tests::role role = tests::role::member;
  std::optional<std::string> nickname;
  std::vector<std::string> tags;
  address home;
  std::int64_t version = 0;
  time_point created_at, updated_at;
  std::optional<time_point> deleted_at;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, email, role, nickname, tags, home, version, created_at, updated_at, deleted_at))

struct note {
  id_of<note> id;
  id_of<user> owner_id;
  std::string title;
  bool pinned = false;
  int stars = 0;
  double score = 0;
  std::optional<int> rank;
  std::chrono::milliseconds took{0};
  time_point at;
};
BOOST_DESCRIBE_STRUCT(note, (), (id, owner_id, title, pinned, stars, score, rank, took, at))

struct counter {
  std::int64_t id = 0;
  std::string name;
  std::int64_t value = 0;
};
BOOST_DESCRIBE_STRUCT(counter, (), (id, name, value))

// Schema of the types above, in each engine's words.
char const* schema(db::dialect d) noexcept;

inline auto all_engines() { return testing::Values(db::dialect::sqlite, db::dialect::postgres, db::dialect::mysql); }
inline std::string engine_name(testing::TestParamInfo<db::dialect> const& info) {
  return info.param == db::dialect::sqlite ? "sqlite" : info.param == db::dialect::postgres ? "postgres" : "mysql";
}
// A new, empty database on the engine: its URL, or why there is none.
std::string database_for(db::dialect d, std::string& why_not);

class each_engine : public testing::TestWithParam<db::dialect> {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Runs a coroutine on the first shard and waits.
  template <class T>
  T run(task<T> work) {
    return shards_.run(std::move(work));
  }

  settings settings_;
  shards shards_{2};
  std::unique_ptr<database> db_;
};

// Starts `count` tasks at once on this shard and waits for all.
template <class F>
task<> all_at_once(int count, F make) {
  one_shot done;
  int left = count;
  for (int i = 0; i < count; ++i)
    start_detached([](task<> work, int& running, one_shot& over) -> task<> {
      co_await std::move(work);
      if (--running == 0) over.fire();
    }(make(i), left, done));
  co_await done;
}

}  // namespace slipway::db::tests

template <>
inline constexpr auto slipway::db::table_of<slipway::db::tests::user> =
    table<slipway::db::tests::user>("users")
        .soft_delete(&slipway::db::tests::user::deleted_at)
        .timestamps(&slipway::db::tests::user::created_at, &slipway::db::tests::user::updated_at)
        .version(&slipway::db::tests::user::version)
        .personal(&slipway::db::tests::user::email, &slipway::db::tests::user::nickname)
        .has_many<slipway::db::tests::note>(&slipway::db::tests::note::owner_id);
template <>
inline constexpr auto slipway::db::table_of<slipway::db::tests::note> = table<slipway::db::tests::note>("notes");
template <>
inline constexpr auto slipway::db::table_of<slipway::db::tests::counter> =
    table<slipway::db::tests::counter>("counters");
