// What happens when a migration fails or is not as it was: what is said, and what has been done.
#include "migrator_case.hpp"

namespace slipway::migrations {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class migration_failures : public migrator_case {};
INSTANTIATE_TEST_SUITE_P(engines, migration_failures, db::tests::all_engines(), db::tests::engine_name);

TEST_P(migration_failures, where_the_server_commits_by_itself_a_failure_says_how_far_it_came) {
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

TEST_P(migration_failures, a_failure_undoes_the_whole_migration_and_names_file_line_and_error) {
  if (on_mysql()) GTEST_SKIP() << "MySQL commits every change of the schema by itself";
  auto files = first(2);
  files.push_back({"0003_bad.sql", "-- up\nCREATE TABLE good (id int);\n\nINSERT INTO missing VALUES (1);\n"});
  EXPECT_THAT(refusal([&] { up(files); }), AllOf(HasSubstr("migrations/0003_bad.sql:4: "), HasSubstr("missing"),
                                                 HasSubstr("Nothing of this migration was applied")));
  EXPECT_FALSE(exists("good"));
  EXPECT_THAT(status(files), ElementsAre("1 users applied", "2 notes applied", "3 bad pending"));
  EXPECT_THAT(up(three), ElementsAre(3));  // repaired
}

TEST_P(migration_failures, a_failure_names_the_code_of_its_error_once) {
  auto files = first(1);
  files.push_back({"0002_bad.sql", "-- up\nINSERT INTO missing VALUES (1);\n"});
  std::string code;
  try {
    shards_.run(db_->execute("INSERT INTO missing VALUES (1)"));
  } catch (db::error const& e) {
    code = "(" + e.code() + ")";
  }
  auto const said = refusal([&] { up(files); });
  auto const first_one = said.find(code);
  ASSERT_NE(first_one, said.npos) << said;
  EXPECT_EQ(said.find(code, first_one + 1), said.npos) << said;
}

TEST_P(migration_failures, a_changed_file_is_refused_and_nothing_else_happens) {
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

TEST_P(migration_failures, an_applied_migration_without_a_file_is_refused) {
  up(three);
  // An older program, as while a deployment is rolled out or back: it has nothing to do, and takes nothing back.
  EXPECT_THAT(up(first(2)), IsEmpty());
  EXPECT_THAT(status(first(2)), Contains("3 tags newer"));
  EXPECT_THAT(refusal([&] { down(first(2)); }), AllOf(HasSubstr("0003_tags"), HasSubstr("newer version")));
}

TEST_P(migration_failures, order_is_kept_unless_waived) {
  up(three);
  shards_.run(db_->execute("DELETE FROM schema_migrations WHERE version = 2"));
  shards_.run(db_->script("DROP TABLE notes"));
  shards_.run(db_->execute("DELETE FROM users"));
  EXPECT_THAT(refusal([&] { up(three); }), AllOf(HasSubstr("migrations/0002_notes.sql is pending"),
                                                 HasSubstr("0003_tags"), HasSubstr("--allow-out-of-order")));
  EXPECT_THAT(status(three), Contains("2 notes out of order"));
  EXPECT_THAT(up(three, {.allow_out_of_order = true}), ElementsAre(2));
}

TEST_P(migration_failures, what_has_no_way_back_says_so) {
  std::vector<file> const files{{"0001_a.sql", "-- up\nCREATE TABLE a (id int);\n"}};
  up(files);
  EXPECT_THAT(refusal([&] { down(files); }), HasSubstr("migrations/0001_a.sql cannot be taken back"));
  EXPECT_TRUE(exists("a"));
}

TEST_P(migration_failures, half_done_without_a_transaction_stops_everything_until_somebody_looked) {
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

TEST_P(migration_failures, a_program_that_is_older_than_the_schema_runs_but_does_not_migrate) {
  up(three);
  auto m = make(first(2));
  EXPECT_EQ(shards_.run(m.pending()), 0u);
  EXPECT_THAT(shards_.run(m.newer()), ElementsAre("0003_tags"));
  shards_.run(db_->execute("DELETE FROM schema_migrations WHERE version = 2"));
  EXPECT_THAT(refusal([&] { up(first(2), {.allow_out_of_order = true}); }),
              AllOf(HasSubstr("0002_notes.sql is pending"), HasSubstr("0003_tags"), HasSubstr("newer version")));
}

}  // namespace
}  // namespace slipway::migrations
