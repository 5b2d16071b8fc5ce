// All engines: each test has a database of its own.
#include "../../db/tests/fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/migrations/migrator.hpp>
#include <slipway/migrations/seeds.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

namespace slipway::migrations {

std::span<embedded_file const> embedded_for_tests();  // made by slipway_embed

namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<file> const three{
    {"0001_users.sql", "-- up\nCREATE TABLE users (id int PRIMARY KEY, name text);\n-- down\nDROP TABLE users;\n"},
    {"0002_notes.sql",
     "-- up\nCREATE TABLE notes (id int PRIMARY KEY);\nINSERT INTO users VALUES (1, 'a;b');\n-- down\nDELETE FROM "
     "users;\nDROP TABLE notes;\n"},
    {"0003_tags.sql", "-- up\nCREATE TABLE tags (id int);\n-- down\nDROP TABLE tags;\n"},
};
std::vector<file> first(std::size_t count) {
  return {three.begin(), three.begin() + static_cast<std::ptrdiff_t>(count)};
}

class migrator_test : public testing::TestWithParam<db::dialect> {
 protected:
  void SetUp() override {
    if (GetParam() == db::dialect::sqlite) {
      std::string name = (std::filesystem::temp_directory_path() / "slipway-migrations-XXXXXX").string();
      ASSERT_NE(::mkdtemp(name.data()), nullptr);
      directory_ = name;
      settings_.url = "sqlite:" + name + "/test.db";
    } else {
      std::string why_not;
      settings_.url = db::tests::database_for(GetParam(), why_not);
      if (settings_.url.empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    }
    settings_.acquire_timeout = 200ms;  // so that a busy SQLite is asked often
    db_.reset(new db::database(db::connect(settings_, shards_)));
  }
  void TearDown() override {
    db_.reset();
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
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

  db::settings settings_;
  shards shards_{1};
  std::unique_ptr<db::database> db_;
  std::filesystem::path directory_;
};
INSTANTIATE_TEST_SUITE_P(engines, migrator_test, db::tests::all_engines(), db::tests::engine_name);

TEST_P(migrator_test, goes_up_once) {
  EXPECT_THAT(up(three), ElementsAre(1, 2, 3));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE name = 'a;b'"), 1);
  EXPECT_THAT(up(three), IsEmpty());
  EXPECT_THAT(status(three), ElementsAre("1 users applied", "2 notes applied", "3 tags applied"));
}

TEST_P(migrator_test, goes_up_to_a_version_and_on) {
  EXPECT_THAT(up(three, {}, 2), ElementsAre(1, 2));
  EXPECT_THAT(status(three), Contains("3 tags pending"));
  auto m = make(three);
  EXPECT_EQ(shards_.run(m.pending()), 1u);
  EXPECT_THAT(up(three), ElementsAre(3));
  EXPECT_EQ(refusal([&] { up(three, {}, 9); }, exit_code::usage), "there is no migration 0009");
}

TEST_P(migrator_test, goes_down_and_up_again) {
  up(three);
  EXPECT_THAT(down(three, 2), ElementsAre(3, 2));
  EXPECT_FALSE(exists("notes"));
  EXPECT_EQ(number("SELECT count(*) FROM users"), 0);
  EXPECT_THAT(status(three), ElementsAre("1 users applied", "2 notes pending", "3 tags pending"));
  EXPECT_THAT(up(three), ElementsAre(2, 3));
  EXPECT_THAT(down(three, 99), ElementsAre(3, 2, 1));
  EXPECT_THAT(down(three), IsEmpty());
}

TEST_P(migrator_test, looking_changes_nothing) {
  EXPECT_THAT(status(three), ElementsAre("1 users pending", "2 notes pending", "3 tags pending"));
  auto m = make(three);
  auto const plan = shards_.run(m.plan());
  std::string const statements = "CREATE TABLE notes (id int PRIMARY KEY);\nINSERT INTO users VALUES (1, 'a;b');\n";
  EXPECT_THAT(plan, HasSubstr(on_mysql() ? "-- migrations/0002_notes.sql (no transaction)\n" + statements
                                         : "-- migrations/0002_notes.sql\nBEGIN;\n" + statements + "COMMIT;\n"));
  EXPECT_EQ(shards_.run(m.pending()), 3u);
  EXPECT_FALSE(exists("schema_migrations"));
  up(three);
  EXPECT_EQ(shards_.run(m.plan()), "-- nothing is pending\n");
}

TEST_P(migrator_test, where_the_server_commits_by_itself_a_failure_says_how_far_it_came) {
  if (!on_mysql()) GTEST_SKIP() << "the other engines undo the whole migration";
  auto files = first(1);
  files.push_back(
      {"0002_bad.sql",
       "-- up\nCREATE TABLE good (id int);\n\nINSERT INTO missing VALUES (1);\n-- down\nDROP TABLE good;\nDROP "
       "TABLE missing;\n"});
  EXPECT_THAT(refusal([&] { up(files); }),
              AllOf(HasSubstr("migrations/0002_bad.sql:4: "), HasSubstr("missing"), HasSubstr("were run (1 of 2)")));
  auto const progress = [&] { return shards_.run(make(files).status()).at(1).progress; };
  EXPECT_EQ(progress(), "up: 1 of 2 statements are done, 0002_bad.sql:4 is not");
  EXPECT_THAT(refusal([&] { up(files); }), HasSubstr("(up: 1 of 2 statements are done, 0002_bad.sql:4 is not)"));
  shards_.run(db_->execute("UPDATE schema_migrations SET duration_ms = 0 WHERE version = 2"));
  EXPECT_THAT(refusal([&] { down(files); }), HasSubstr("were run (1 of 2)"));
  EXPECT_EQ(progress(), "down: 1 of 2 statements are done, 0002_bad.sql:7 is not");
  // One that fails in its first statement has left nothing.
  shards_.run(db_->execute("DELETE FROM schema_migrations WHERE version = 2"));
  files[1].text = "-- up\nINSERT INTO missing VALUES (1);\nCREATE TABLE other (id int);\n";
  EXPECT_THAT(refusal([&] { up(files); }),
              AllOf(HasSubstr("migrations/0002_bad.sql:2: "), HasSubstr("Nothing of this migration was applied")));
  EXPECT_THAT(status(files), Contains("2 bad pending"));
}

TEST_P(migrator_test, tables_compare_text_as_on_the_other_engines) {
  if (!on_mysql()) GTEST_SKIP() << "it is so on the other engines";
  shards_.run(db_->script("ALTER DATABASE CHARACTER SET latin1"));
  auto files = first(1);
  files.push_back(
      {"0002_words.sql",
       "-- up\nCREATE TABLE words (word varchar(20) PRIMARY KEY);\nINSERT INTO words VALUES ('a'), ('A'), ('a "
       "'), ('\xc3\xa4');\n"});
  up(files);
  EXPECT_EQ(number("SELECT count(*) FROM words WHERE word = 'a'"), 1);
}

TEST_P(migrator_test, a_failure_undoes_the_whole_migration_and_names_file_line_and_error) {
  if (on_mysql()) GTEST_SKIP() << "MySQL commits every change of the schema by itself";
  auto files = first(2);
  files.push_back({"0003_bad.sql", "-- up\nCREATE TABLE good (id int);\n\nINSERT INTO missing VALUES (1);\n"});
  EXPECT_THAT(refusal([&] { up(files); }), AllOf(HasSubstr("migrations/0003_bad.sql:4: "), HasSubstr("missing"),
                                                 HasSubstr("Nothing of this migration was applied")));
  EXPECT_FALSE(exists("good"));
  EXPECT_THAT(status(files), ElementsAre("1 users applied", "2 notes applied", "3 bad pending"));
  EXPECT_THAT(up(three), ElementsAre(3));  // repaired
}

TEST_P(migrator_test, a_changed_file_is_refused_and_nothing_else_happens) {
  up(first(2));
  auto files = three;
  files[0].text = "-- up\nCREATE TABLE users (id int PRIMARY KEY, name text, age int);\n-- down\nDROP TABLE users;\n";
  for (auto const& attempt : std::vector<std::function<void()>>{[&] { up(files); }, [&] { down(files); },
                                                                [&] { shards_.run(make(files).pending()); },
                                                                [&] { shards_.run(make(files).plan()); }})
    EXPECT_THAT(refusal(attempt), AllOf(HasSubstr("migrations/0001_users.sql was changed after it was applied"),
                                        HasSubstr("new migration")));
  EXPECT_FALSE(exists("tags"));
  EXPECT_THAT(status(files), ElementsAre("1 users changed", "2 notes applied", "3 tags pending"));
  files[0].text =
      "-- a remark\r\n-- up\r\n" +
      std::string{"CREATE TABLE users (id int PRIMARY KEY, name text);  \r\n-- down\r\nDROP TABLE users;\r\n"};
  EXPECT_THAT(up(files), ElementsAre(3));  // line ends and what stands outside do not matter
}

TEST_P(migrator_test, an_applied_migration_without_a_file_is_refused) {
  up(three);
  // An older program, as while a deployment is rolled out or back: it has nothing to do, and takes nothing back.
  EXPECT_THAT(up(first(2)), IsEmpty());
  EXPECT_THAT(status(first(2)), Contains("3 tags newer"));
  EXPECT_THAT(refusal([&] { down(first(2)); }), AllOf(HasSubstr("0003_tags"), HasSubstr("newer version")));
}

TEST_P(migrator_test, order_is_kept_unless_waived) {
  up(three);
  shards_.run(db_->execute("DELETE FROM schema_migrations WHERE version = 2"));
  shards_.run(db_->script("DROP TABLE notes"));
  shards_.run(db_->execute("DELETE FROM users"));
  EXPECT_THAT(refusal([&] { up(three); }), AllOf(HasSubstr("migrations/0002_notes.sql is pending"),
                                                 HasSubstr("0003_tags"), HasSubstr("--allow-out-of-order")));
  EXPECT_THAT(status(three), Contains("2 notes out of order"));
  EXPECT_THAT(up(three, {.allow_out_of_order = true}), ElementsAre(2));
}

TEST_P(migrator_test, what_has_no_way_back_says_so) {
  std::vector<file> const files{{"0001_a.sql", "-- up\nCREATE TABLE a (id int);\n"}};
  up(files);
  EXPECT_THAT(refusal([&] { down(files); }), HasSubstr("migrations/0001_a.sql cannot be taken back"));
  EXPECT_TRUE(exists("a"));
}

TEST_P(migrator_test, the_file_for_the_dialect_is_used) {
  std::vector<file> const files{
      {"0001_a.sqlite.sql",
       "-- up\nCREATE TABLE on_sqlite (id INTEGER) STRICT;\nCREATE TRIGGER t AFTER INSERT ON "
       "on_sqlite BEGIN\n  DELETE FROM on_sqlite WHERE id = 0;\n  SELECT 1;\nEND;\n"},
      {"0001_a.postgres.sql",
       "-- up\nCREATE TABLE on_postgres (id jsonb);\nDO $$ BEGIN\n  INSERT INTO on_postgres "
       "VALUES ('[1]');\nEND $$;\n"},
      {"0001_a.mysql.sql",
       "-- up\nCREATE TABLE on_mysql (id json); # a remark\nCREATE TRIGGER t BEFORE INSERT ON "
       "on_mysql FOR EACH ROW BEGIN\n  IF NEW.id IS NULL THEN SET NEW.id = '[1]'; END IF;\n  "
       "SET @x = CASE WHEN 1 THEN 2 END;\nEND;\nINSERT INTO on_mysql VALUES (NULL);\n"}};
  EXPECT_THAT(up(files), ElementsAre(1));
  EXPECT_EQ(exists("on_sqlite"), GetParam() == db::dialect::sqlite);
  EXPECT_EQ(exists("on_postgres"), on_postgres());
  EXPECT_EQ(exists("on_mysql"), on_mysql());
}

TEST_P(migrator_test, without_a_transaction_where_the_engine_wants_none) {
  auto files = three;
  files.push_back({"0004_index.postgres.sql",
                   "-- no transaction\n-- up\nCREATE INDEX CONCURRENTLY users_name ON users (name);\n-- down\nDROP "
                   "INDEX CONCURRENTLY users_name;\n"});
  files.push_back({"0004_index.sqlite.sql",
                   "-- no transaction\n-- up\nVACUUM;\nCREATE INDEX users_name ON users (name);\n-- down\nDROP INDEX "
                   "users_name;\nVACUUM;\n"});
  files.push_back(
      {"0004_index.mysql.sql",
       "-- no transaction\n-- up\nCREATE INDEX users_name ON users (name(20)) LOCK=NONE;\n-- down\nDROP INDEX "
       "users_name ON users;\n"});
  EXPECT_THAT(up(files), ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(exists("users_name"));
  EXPECT_THAT(status(files), Contains("4 index applied"));
  EXPECT_THAT(down(files), ElementsAre(4));
  EXPECT_FALSE(exists("users_name"));
  EXPECT_THAT(up(files), ElementsAre(4));
  EXPECT_THAT(shards_.run(make(files).plan()), HasSubstr("nothing is pending"));
}

TEST_P(migrator_test, half_done_without_a_transaction_stops_everything_until_somebody_looked) {
  auto files = first(1);
  files.push_back(
      {"0002_loose.sql", "-- no transaction\n-- up\nCREATE TABLE half (id int);\nINSERT INTO missing VALUES (1);\n"});
  EXPECT_THAT(refusal([&] { up(files); }),
              AllOf(HasSubstr("migrations/0002_loose.sql:4: "), HasSubstr("statements before this one were run")));
  EXPECT_TRUE(exists("half"));
  EXPECT_THAT(status(files), Contains("2 loose unfinished"));
  EXPECT_THAT(refusal([&] { up(files); }),
              AllOf(HasSubstr("failed half way"), HasSubstr("DELETE FROM schema_migrations WHERE version = 2")));
  // As the message says.
  shards_.run(db_->script("DROP TABLE half"));
  shards_.run(db_->execute("DELETE FROM schema_migrations WHERE version = 2"));
  files[1].text = "-- no transaction\n-- up\nCREATE TABLE half (id int);\n";
  EXPECT_THAT(up(files), ElementsAre(2));
}

TEST_P(migrator_test, one_that_died_half_way_is_told_from_one_that_still_runs) {
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

TEST_P(migrator_test, several_runners_at_once_apply_each_migration_once) {
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

TEST_P(migrator_test, a_runner_that_does_not_end_is_waited_for_and_then_named) {
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

TEST_P(migrator_test, a_table_in_use_is_not_waited_for_without_end) {
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

TEST_P(migrator_test, what_is_for_after_the_deployment_holds_nobody_up) {
  auto files = three;
  files[1].text = "-- after deployment\n" + files[1].text;
  EXPECT_THAT(up(files, {.before_deployment = true}), ElementsAre(1, 3));
  auto m = make(files);
  EXPECT_EQ(shards_.run(m.pending()), 0u);
  EXPECT_THAT(up(files), ElementsAre(2));  // late, and in order all the same
  EXPECT_THAT(up(three), IsEmpty());       // the option is not part of what was applied
}

TEST_P(migrator_test, a_program_that_is_older_than_the_schema_runs_but_does_not_migrate) {
  up(three);
  auto m = make(first(2));
  EXPECT_EQ(shards_.run(m.pending()), 0u);
  EXPECT_THAT(shards_.run(m.newer()), ElementsAre("0003_tags"));
  shards_.run(db_->execute("DELETE FROM schema_migrations WHERE version = 2"));
  EXPECT_THAT(refusal([&] { up(first(2), {.allow_out_of_order = true}); }),
              AllOf(HasSubstr("0002_notes.sql is pending"), HasSubstr("0003_tags"), HasSubstr("newer version")));
}

TEST_P(migrator_test, a_baseline_is_for_a_database_that_was_there_before) {
  shards_.run(db_->script("CREATE TABLE users (id int PRIMARY KEY, name text)"));
  shards_.run(db_->script("CREATE TABLE notes (id int PRIMARY KEY)"));
  EXPECT_EQ(refusal([&] { shards_.run(make(three).baseline(9)); }, exit_code::usage), "there is no migration 0009");
  auto m = make(three);
  shards_.run(m.baseline(2));
  EXPECT_THAT(status(three), ElementsAre("1 users applied", "2 notes applied", "3 tags pending"));
  EXPECT_THAT(up(three), ElementsAre(3));
  EXPECT_EQ(number("SELECT count(*) FROM users"), 0);  // nothing of 0002 was run
  EXPECT_THAT(refusal([&] { shards_.run(m.baseline(3)); }), HasSubstr("applied migrations already"));
}

TEST_P(migrator_test, repeatable_files_run_again_when_they_change) {
  auto files = three;
  files.push_back({"repeatable_names.sql", "DROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT name FROM users;"});
  files.push_back({"repeatable_ages.sqlite.sql", "SELECT 1;"});
  EXPECT_THAT(shards_.run(make(files).plan()), HasSubstr("CREATE VIEW names"));
  EXPECT_THAT(up(files, {}, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(status(files), Contains("0 names pending"));
  EXPECT_EQ(up(files).size(), GetParam() == db::dialect::sqlite ? 2u : 1u);
  EXPECT_EQ(number("SELECT count(*) FROM names"), 1);
  EXPECT_THAT(up(files), IsEmpty());
  EXPECT_THAT(status(files), Contains("0 names applied"));
  files[3].text = "DROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT name FROM users WHERE id > 1;";
  EXPECT_THAT(up(files), ElementsAre(0));
  EXPECT_EQ(number("SELECT count(*) FROM names"), 0);
  files[3].text = "DROP VIEW names;\n\nINSERT INTO missing VALUES (1);";
  EXPECT_THAT(refusal([&] { up(files); }),
              AllOf(HasSubstr("migrations/repeatable_names.sql:3: "), HasSubstr("missing")));
  if (on_mysql()) return;                              // it has no way back
  EXPECT_EQ(number("SELECT count(*) FROM names"), 0);  // the one of before is still there
}

TEST_P(migrator_test, progress_is_told) {
  std::vector<std::string> said;
  up(first(1), {.say = [&](std::string_view line) { said.emplace_back(line); }});
  EXPECT_THAT(said, ElementsAre(testing::StartsWith("applied 0001_users in ")));
}

TEST_P(migrator_test, migrations_in_the_binary_are_those_of_the_files) {
  auto const embedded = files_of(embedded_for_tests());
  ASSERT_EQ(embedded.size(), 2u);
  EXPECT_EQ(embedded[0].name, "0001_things.sql");
  EXPECT_THAT(embedded[0].text, testing::EndsWith("DROP TABLE things;\n"));
  EXPECT_THAT(embedded[1].text, testing::SizeIs(5));
  EXPECT_EQ(embedded[1].text, std::string("a\0\xff\"\n", 5));
  EXPECT_THAT(up({embedded[0]}), ElementsAre(1));
}

class counting_seeder final : public seeder {
 public:
  explicit counting_seeder(unsigned edition) : edition_{edition} {}
  std::string_view name() const noexcept override { return "accounts"; }
  unsigned edition() const noexcept override { return edition_; }
  task<> run(db::database& database) override {
    ++runs;
    co_await database.execute("INSERT INTO users VALUES ($1, 'seeded')",
                              {100 + runs + static_cast<int>(edition_) * 10});
  }
  int runs = 0;

 private:
  unsigned edition_;
};

TEST_P(migrator_test, seeds_run_once_for_their_environment) {
  up(three);
  counting_seeder one{1}, newer{2};
  auto const run = [&](std::string environment, std::vector<file> files, std::vector<seeder*> list,
                       bool again = false) {
    return shards_.run(run_seeds(*db_, std::move(environment), std::move(files), list, again));
  };
  std::vector<file> files{
      {"0002_b.sql", "INSERT INTO users VALUES (51, 'b');"},
      {"0001_a.sql", "INSERT INTO users VALUES (50, 'a;');\nUPDATE users SET name = 'A' WHERE id = 50;"}};
  EXPECT_THAT(run("development", files, {&one}),
              ElementsAre("development/0001_a.sql", "development/0002_b.sql", "development/accounts"));
  EXPECT_THAT(run("development", files, {&one}), IsEmpty());
  EXPECT_EQ(one.runs, 1);
  EXPECT_THAT(run("test", {}, {&one}), IsEmpty());
  EXPECT_THAT(run("development", files, {&newer}), ElementsAre("development/accounts"));
  files[0].text = "UPDATE users SET name = 'B' WHERE id = 51;";
  EXPECT_THAT(run("development", files, {&newer}), ElementsAre("development/0002_b.sql"));
  EXPECT_THAT(run("development", {}, {&newer}, true), ElementsAre("development/accounts"));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE name IN ('A', 'B')"), 2);
}

TEST_P(migrator_test, a_seed_that_fails_leaves_nothing_and_names_its_line) {
  up(three);
  std::vector<file> const files{
      {"0001_a.sql", "INSERT INTO users VALUES (50, 'a');\n\nINSERT INTO missing VALUES (1);"}};
  EXPECT_THAT(refusal([&] { shards_.run(run_seeds(*db_, "development", files, {})); }),
              HasSubstr("seeds/development/0001_a.sql:3: "));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE id = 50"), 0);
}

}  // namespace
}  // namespace slipway::migrations
