// Several who migrate at once, and those who hold what a migration needs.
#include "migrator_case.hpp"

#include <slipway/core/time.hpp>

#include <atomic>
#include <semaphore>
#include <thread>

namespace slipway::migrations {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class migration_runners : public migrator_case {};
INSTANTIATE_TEST_SUITE_P(engines, migration_runners, db::tests::all_engines(), db::tests::engine_name);

TEST_P(migration_runners, one_that_died_half_way_is_told_from_one_that_still_runs) {
  up(first(1));
  auto const begin = [&](time_point when) {
    shards_.run(db_->execute("DELETE FROM schema_migrations WHERE version = 2"));
    shards_.run(
        db_->execute("INSERT INTO schema_migrations (version, name, checksum, applied_at, duration_ms) VALUES "
                     "(2, 'notes', 'x', $1, NULL)",
                     {when}));
  };
  begin(system_clock().now() - 1h);
  EXPECT_THAT(refusal([&] { up(three, {.wait_for_other = 10s}); }), HasSubstr("begun and not finished"));
  begin(system_clock().now());
  std::vector<std::string> said;
  EXPECT_THAT(refusal([&] {
                up(three, {.wait_for_other = 300ms, .say = [&](std::string_view line) { said.emplace_back(line); }});
              }),
              HasSubstr("begun and not finished"));
  EXPECT_THAT(said, ElementsAre(HasSubstr("waiting for it")));
}

TEST_P(migration_runners, several_runners_at_once_apply_each_migration_once) {
  std::vector<file> many = three;
  for (int i = 4; i <= 12; ++i)
    many.push_back({"00" + std::string(i < 10 ? "0" : "") + std::to_string(i) + "_more.sql",
                    "-- up\nINSERT INTO users VALUES (" + std::to_string(i) + ", 'x');\n"});
  std::atomic<int> applied{0};
  {
    std::vector<std::jthread> runners;
    for (int i = 0; i < 4; ++i)
      runners.emplace_back([&] {
        shards own{1};
        auto database = db::connect(settings_, own);
        migrator m{database, many, {.wait_for_other = 60s}};
        applied += static_cast<int>(own.run(m.up()).size());
      });
  }
  EXPECT_EQ(applied, 12);
  EXPECT_EQ(number("SELECT count(*) FROM users"), 10);
  EXPECT_EQ(number("SELECT count(*) FROM schema_migrations"), 12);
}

// Another process with a transaction open in which it has done `what`, until it is told to leave.
class holder {
 public:
  holder(db::settings const& s, std::string what)
      : database_{db::connect(s, on_)}, thread_{[this, what] { on_.run(hold(*this, what)); }} {
    locked_.acquire();
  }
  ~holder() { leave(); }
  void leave() {
    leave_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  static task<> hold(holder& me, std::string what) {
    co_await me.database_.transaction([&](db::transaction& tx) -> task<> {
      co_await tx.script(what);
      me.locked_.release();
      while (!me.leave_) co_await sleep_for(1ms);
    });
  }

  shards on_{1};
  db::database database_;
  std::binary_semaphore locked_{0};
  std::atomic<bool> leave_{false};
  std::jthread thread_;
};

TEST_P(migration_runners, a_runner_that_does_not_end_is_waited_for_and_then_named) {
  up(first(1));
  holder other{
      settings_,
      on_mysql() ? "DO GET_LOCK(concat('slipway migrations ', md5(database())), 0)"
      : on_postgres()
          ? "SELECT pg_advisory_xact_lock(hashtextextended('slipway schema_migrations ' || current_schema(), 0))"
          : "UPDATE schema_migrations SET version = version"};
  std::vector<std::string> said;
  auto const wait =
      GetParam() != db::dialect::sqlite ? 300ms : 2500ms;  // SQLite waits two seconds for a lock before it tells
  EXPECT_THAT(
      refusal(
          [&] { up(three, {.wait_for_other = wait, .say = [&](std::string_view line) { said.emplace_back(line); }}); },
          exit_code::unavailable),
      HasSubstr("another process is migrating"));
  EXPECT_THAT(said, ElementsAre(HasSubstr("waiting for it, " + format_duration(wait) + " at most")));
  other.leave();
  EXPECT_THAT(up(three), ElementsAre(2, 3));
}

TEST_P(migration_runners, a_table_in_use_is_not_waited_for_without_end) {
  if (GetParam() == db::dialect::sqlite) GTEST_SKIP() << "SQLite locks no tables";
  up(first(1));
  holder other{settings_, on_mysql() ? "SELECT * FROM users" : "LOCK TABLE users IN ACCESS SHARE MODE"};
  auto files = first(1);
  files.push_back({"0002_age.sql", "-- up\nALTER TABLE users ADD COLUMN age int;\n"});
  std::string why;
  try {
    up(files, {.wait_for_other = 300ms, .lock_timeout = 100ms});
  } catch (startup_error const& e) {
    why = e.what();
  }
  EXPECT_THAT(why, AllOf(HasSubstr("migrations/0002_age.sql"), HasSubstr("a table was in use"),
                         HasSubstr(on_mysql() ? "PROCESSLIST" : "pg_stat_activity")));
  // It is asked for again, so whoever leaves in time is not noticed.
  std::vector<std::string> said;
  auto const hear = [&](std::string_view line) {
    said.emplace_back(line);
    other.leave();
  };
  EXPECT_THAT(up(files, {.lock_timeout = 100ms, .say = hear}), ElementsAre(2));
  EXPECT_THAT(said, ElementsAre(HasSubstr("0002_age.sql:2: a table is in use"), HasSubstr("applied 0002_age")));
}

TEST_P(migration_runners, a_statement_that_takes_too_long_is_ended_and_nothing_of_its_migration_stays) {
  if (!on_postgres()) GTEST_SKIP() << "migrations.statement_timeout is PostgreSQL's";
  auto const named = [](char const* place) {
    return AllOf(HasSubstr(place), HasSubstr("migrations.statement_timeout is 200ms"),
                 Not(HasSubstr("database.statement_timeout")), HasSubstr("Nothing of this migration was applied"));
  };
  auto const began = std::chrono::steady_clock::now();
  std::vector<file> const slow{{"0001_half.sql", "-- up\nCREATE TABLE half (id int);\nSELECT pg_sleep(20);\n"}};
  EXPECT_THAT(refusal([&] { up(slow, {.statement_timeout = 200ms}); }, exit_code::unavailable),
              named("migrations/0001_half.sql:3: "));
  EXPECT_FALSE(exists("half"));
  std::vector<file> const repeatable{{"repeatable_slow.sql", "CREATE TABLE half (id int);\nSELECT pg_sleep(20);\n"}};
  EXPECT_THAT(refusal([&] { up(repeatable, {.statement_timeout = 200ms}); }, exit_code::unavailable),
              named("migrations/repeatable_slow.sql:2: "));
  EXPECT_FALSE(exists("half"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 15s);
  // The limit is of each statement, and of this migration alone.
  std::vector<file> const many{{"0001_many.sql",
                                "-- up\nSELECT pg_sleep(0.3);\nSELECT pg_sleep(0.3);\nSELECT pg_sleep(0.3);\n"
                                "CREATE TABLE whole (id int);\n"},
                               {"0002_loose.sql", "-- no transaction\n-- up\nSELECT pg_sleep(1);\n"}};
  EXPECT_THAT(up(many, {.statement_timeout = 700ms}), ElementsAre(1, 2));
  EXPECT_TRUE(exists("whole"));
}

}  // namespace
}  // namespace slipway::migrations
