// What the tests of migrations begin with: a database of their own on each engine, and three migrations.
#pragma once

#include "../../core/tests/server_process.hpp"
#include "../../db/tests/fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/migrations/migrator.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>

namespace slipway::migrations {

inline std::vector<file> const three{
    {"0001_users.sql", "-- up\nCREATE TABLE users (id int PRIMARY KEY, name text);\n-- down\nDROP TABLE users;\n"},
    {"0002_notes.sql",
     "-- up\nCREATE TABLE notes (id int PRIMARY KEY);\nINSERT INTO users VALUES (1, 'a;b');\n-- down\nDELETE FROM "
     "users;\nDROP TABLE notes;\n"},
    {"0003_tags.sql", "-- up\nCREATE TABLE tags (id int);\n-- down\nDROP TABLE tags;\n"},
};
inline std::vector<file> first(std::size_t count) {
  return {three.begin(), three.begin() + static_cast<std::ptrdiff_t>(count)};
}

class migrator_case : public testing::TestWithParam<db::dialect> {
 protected:
  void SetUp() override {
    if (GetParam() == db::dialect::sqlite) {
      settings_.url = "sqlite:" + folder_.emplace("migrations").path() + "/test.db";
    } else {
      std::string why_not;
      settings_.url = db::tests::database_for(GetParam(), why_not);
      if (settings_.url.empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    }
    settings_.acquire_timeout = std::chrono::milliseconds{200};  // so that a busy SQLite is asked often
    db_.reset(new db::database(db::connect(settings_, shards_)));
  }

  bool on_postgres() const { return GetParam() == db::dialect::postgres; }
  bool on_mysql() const { return GetParam() == db::dialect::mysql; }
  migrator make(std::vector<file> const& files, options o = {}) { return migrator{*db_, files, std::move(o)}; }
  std::vector<std::int64_t> up(std::vector<file> const& files, options o = {},
                               std::optional<std::int64_t> to = std::nullopt) {
    auto m = make(files, std::move(o));
    std::vector<std::int64_t> out;
    for (auto const& s : shards_.run(m.up(to))) out.push_back(s.version);
    return out;
  }
  std::vector<std::int64_t> down(std::vector<file> const& files, unsigned steps = 1) {
    auto m = make(files);
    std::vector<std::int64_t> out;
    for (auto const& s : shards_.run(m.down(steps))) out.push_back(s.version);
    return out;
  }
  std::vector<std::string> status(std::vector<file> const& files) {
    auto m = make(files);
    std::vector<std::string> out;
    for (auto const& s : shards_.run(m.status()))
      out.push_back(std::to_string(s.version) + " " + s.name + " " + std::string{to_string(s.state)});
    return out;
  }
  std::string refusal(std::function<void()> const& what, exit_code code = exit_code::data) {
    try {
      what();
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      return e.what();
    }
    return "taken";
  }
  std::int64_t number(std::string sql) { return shards_.run(db_->query(std::move(sql)))[0].get<std::int64_t>(0); }
  bool exists(std::string const& table) {
    if (on_mysql())
      return number(
                 "SELECT (SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND "
                 "table_name = '" +
                 table +
                 "') + (SELECT count(*) FROM information_schema.statistics WHERE "
                 "table_schema = database() AND index_name = '" +
                 table + "')") > 0;
    return number(on_postgres() ? "SELECT count(*) FROM pg_class WHERE relname = '" + table + "'"
                                : "SELECT count(*) FROM sqlite_master WHERE name = '" + table + "'") > 0;
  }

  std::optional<slipway::tests::temporary_folder> folder_;  // of SQLite's file
  db::settings settings_;
  shards shards_{1};
  std::unique_ptr<db::database> db_;
};

}  // namespace slipway::migrations
