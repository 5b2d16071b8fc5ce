#include <slipway/migrations/squawk.hpp>

#include <slipway/core/errors.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace slipway::migrations {
namespace {

using db::dialect;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class squawk_test : public testing::Test {
 protected:
  void SetUp() override {
    auto const found = find_squawk("", SLIPWAY_SOURCE_DIR "/tests/e2e/node_modules");
    if (!found) GTEST_SKIP() << "SKIPPED LOUDLY: no squawk (npm ci --prefix tests/e2e, or in the PATH)";
    program_ = *found;
  }
  std::vector<std::string> found(std::string const& text) {
    std::vector<std::string> out;
    auto const all = catalog_of({{"0001_a.postgres.sql", text}}, dialect::postgres);
    for (auto const& f : squawk_findings(program_, all)) {
      EXPECT_EQ(f.file, "0001_a.postgres.sql");
      EXPECT_FALSE(f.why.empty());
      EXPECT_FALSE(f.instead.empty());
      out.push_back(std::to_string(f.line) + " " + f.rule);
    }
    return out;
  }
  std::string program_;
};

TEST_F(squawk_test, finds_what_our_own_rules_do_not_know) {
  EXPECT_THAT(found("-- a remark\n-- up\nCREATE TABLE a (id bigint PRIMARY KEY);\n\nALTER TABLE notes ALTER COLUMN "
                    "title DROP NOT NULL;\n"
                    "ALTER TABLE notes\n  ADD COLUMN code char(3);\n-- down\nDROP TABLE a;\n"),
              ElementsAre("5 squawk/ban-drop-not-null", "7 squawk/ban-char-field"));
}

TEST_F(squawk_test, says_nothing_twice_and_nothing_that_the_migrator_sees_to) {
  EXPECT_THAT(found("-- up\nCREATE INDEX i ON notes (title);\nALTER TABLE notes DROP COLUMN body;\n"
                    "ALTER TABLE notes ADD COLUMN n int NOT NULL;\nALTER TABLE notes ALTER COLUMN size TYPE bigint;\n"
                    "ALTER TABLE notes ADD CONSTRAINT f FOREIGN KEY (owner_id) REFERENCES users (id);\n"
                    "ALTER TABLE notes ADD CONSTRAINT u UNIQUE (title);\nALTER TABLE notes RENAME COLUMN a TO b;\n"
                    "ALTER TABLE notes ALTER COLUMN size SET NOT NULL;\nDROP TABLE tags;\n"),
              IsEmpty());
  EXPECT_THAT(found("-- no transaction\n-- up\nCREATE INDEX CONCURRENTLY i ON notes (title);\n"), IsEmpty());
}

TEST_F(squawk_test, is_allowed_like_our_own_rules_and_for_one_statement) {
  EXPECT_THAT(
      found(
          "-- up\n-- lint: allow squawk/ban-drop-not-null: nobody reads it\nALTER TABLE notes ALTER COLUMN a DROP NOT "
          "NULL;\nALTER TABLE notes ALTER COLUMN b DROP NOT NULL;\n"),
      ElementsAre("4 squawk/ban-drop-not-null"));
}

TEST_F(squawk_test, reads_the_sql) {
  EXPECT_THAT(found("-- up\nSELECT FROM WHERE;\n"), testing::Contains(HasSubstr("squawk/syntax-error")));
}

TEST(squawk, one_that_was_named_must_be_there) {
  try {
    find_squawk("/nowhere/squawk", "/nowhere");
    FAIL();
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::config);
    EXPECT_THAT(e.what(), HasSubstr("migrations.squawk: /nowhere/squawk"));
  }
}

TEST(squawk, what_is_no_squawk_is_said_to_be_none) {
  auto const all = catalog_of({{"0001_a.sql", "-- up\nSELECT 1;\n"}}, dialect::postgres);
  EXPECT_THROW(squawk_findings("/bin/false", all), startup_error);
  EXPECT_THROW(squawk_findings("/bin/echo", all), startup_error);
}

}  // namespace
}  // namespace slipway::migrations
