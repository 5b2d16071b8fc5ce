// What migrations do: up and down, what is looked at, and which files are meant.
#include "migrator_case.hpp"

namespace slipway::migrations {

std::span<embedded_file const> embedded_for_tests();  // made by slipway_embed

namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class migrator_test : public migrator_case {};
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

TEST_P(migrator_test, what_is_for_after_the_deployment_holds_nobody_up) {
  auto files = three;
  files[1].text = "-- after deployment\n" + files[1].text;
  EXPECT_THAT(up(files, {.before_deployment = true}), ElementsAre(1, 3));
  auto m = make(files);
  EXPECT_EQ(shards_.run(m.pending()), 0u);
  EXPECT_THAT(up(files), ElementsAre(2));  // late, and in order all the same
  EXPECT_THAT(up(three), IsEmpty());       // the option is not part of what was applied
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

}  // namespace
}  // namespace slipway::migrations
