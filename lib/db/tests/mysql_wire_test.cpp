// MySQL's forms without a server: placeholders, tables, what errors say on either server.
#include <slipway/core/errors.hpp>
#include <slipway/db/mysql_wire.hpp>

#include <boost/mysql/field_view.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::db::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(mysql_placeholders, become_question_marks_in_their_order) {
  auto const t = rewrite_placeholders("select $2, $1, $2 + $10");
  EXPECT_EQ(t.sql, "select ?, ?, ? + ?");
  EXPECT_THAT(t.order, ElementsAre(1, 0, 1, 9));
}

TEST(mysql_placeholders, are_text_in_quotes_names_and_comments) {
  for (std::string const sql :
       {"select '$1'", "select 'it''s $1'", "select \"$1\" from `a$1`", "select 1 -- $1", "select 1 # $1",
        "select /* $1 */ 1", "select a$1 from t", "select '\\'", "select $ from t", "select '$1", "/* $1"}) {
    auto const t = rewrite_placeholders(sql);
    EXPECT_EQ(t.sql, sql);
    EXPECT_THAT(t.order, IsEmpty()) << sql;
  }
  EXPECT_EQ(rewrite_placeholders("select '\\', $1").sql, "select '\\', ?");  // a backslash is a character
  EXPECT_EQ(rewrite_placeholders("select 1--$1").sql, "select 1--?");        // no comment without a blank
  EXPECT_EQ(rewrite_placeholders("select 1 -- x\n, $1").sql, "select 1 -- x\n, ?");
  EXPECT_EQ(rewrite_placeholders("(a=$1)").sql, "(a=?)");
}

TEST(mysql_placeholders, beyond_the_protocol_are_refused) {
  EXPECT_THROW(rewrite_placeholders("select $0"), error);
  EXPECT_THROW(rewrite_placeholders("select $65536"), error);
  EXPECT_THROW(rewrite_placeholders("select $99999999999999999999"), error);
  EXPECT_EQ(rewrite_placeholders("select $65535").order[0], 65'534);
}

TEST(mysql_parameters, that_are_missing_or_too_much_are_refused) {
  std::vector<boost::mysql::field_view> out;
  auto const t = rewrite_placeholders("select $1, $2");
  EXPECT_THROW(encode(t, {1}, 1000, out), error);
  encode(t, {1, "x"}, 1000, out);
  EXPECT_EQ(out.size(), 2u);
  EXPECT_THROW(encode(t, {1, std::string(1000, 'x')}, 1000, out), value_error);
}

TEST(mysql_statements, tell_the_table_that_they_change) {
  EXPECT_EQ(changed_table("insert into \"users\" (\"id\") values (?)"), "users");
  EXPECT_EQ(changed_table("INSERT IGNORE INTO users(id) values (1)"), "users");
  EXPECT_EQ(changed_table("  update low_priority `a b` set x = 1"), "a b");
  EXPECT_EQ(changed_table("replace into other.notes values (1)"), "notes");
  EXPECT_EQ(changed_table("update \"other\".\"notes\" set x = 1"), "notes");
  EXPECT_EQ(changed_table("delete from users"), "");
  EXPECT_EQ(changed_table("select 1"), "");
  EXPECT_EQ(changed_table(""), "");
}

TEST(mysql_violations, are_told_by_either_server) {
  auto const unique = [](char const* message) { return *violation_of(1062, message); };
  EXPECT_EQ(unique("Duplicate entry 'a' for key 'email'").name, "email");
  EXPECT_EQ(unique("Duplicate entry 'a' for key 'email'").table, "");
  EXPECT_EQ(unique("Duplicate entry 'a' for key 'users.email'").name, "email");
  EXPECT_EQ(unique("Duplicate entry 'a' for key 'users.email'").table, "users");
  EXPECT_EQ(unique("Duplicate entry 'x' for key 'y' for key 'PRIMARY'").name, "PRIMARY");  // a value that tries
  EXPECT_EQ(violation_of(1048, "Column 'title' cannot be null")->name, "title");
  EXPECT_EQ(violation_of(1364, "Field 'title' doesn't have a default value")->name, "title");
  EXPECT_EQ(violation_of(4025, "CONSTRAINT `stars_positive` failed for `db`.`notes`")->name, "stars_positive");
  EXPECT_EQ(violation_of(3819, "Check constraint 'stars_positive' is violated.")->name, "stars_positive");
  EXPECT_EQ(violation_of(1452, "Cannot add or update a child row")->kind, constraint_kind::foreign_key);
  EXPECT_FALSE(violation_of(1064, "You have an error in your SQL syntax"));
}

template <class E>
bool is(int number, char const* message = "what") {
  try {
    std::rethrow_exception(error_of(number, message));
  } catch (E const&) {
    return true;
  } catch (...) {
    return false;
  }
}

TEST(mysql_errors, have_their_kind) {
  for (int number : {1213, 1205, 1020, 3572}) EXPECT_TRUE(is<conflict_error>(number)) << number;
  for (int number : {1264, 1406, 1366, 1292, 1690, 3140}) EXPECT_TRUE(is<value_error>(number)) << number;
  // Too many connections, going down, disk full, read only, time limits.
  for (int number : {1040, 1203, 1226, 1053, 1021, 1114, 1030, 1290, 1836, 1969, 3024})
    EXPECT_TRUE(is<unavailable_error>(number)) << number;
  EXPECT_TRUE(is<storage_full_error>(1021, "Disk full (/tmp/#sql); waiting for someone to free some space"));
  EXPECT_TRUE(is<storage_full_error>(1114, "The table 'notes' is full"));
  EXPECT_TRUE(is<storage_full_error>(1030, "Got error 28 \"No space left on device\" from storage engine InnoDB"));
  EXPECT_TRUE(is<storage_full_error>(3, "Error writing file './a' (Errcode: 28 \"No space left on device\")"));
  EXPECT_FALSE(is<storage_full_error>(1030, "Got error 168 \"Unknown\" from storage engine InnoDB"));
  for (int number : {1064, 1146, 1142}) {
    EXPECT_TRUE(is<error>(number)) << number;
    EXPECT_FALSE(is<value_error>(number) || is<conflict_error>(number)) << number;
  }
  for (int number : {1044, 1045, 1049, 1130, 1698, 4151}) EXPECT_TRUE(refuses_for_good(number)) << number;
  for (int number : {1040, 1053, 2002}) EXPECT_FALSE(refuses_for_good(number)) << number;
}

}  // namespace
}  // namespace slipway::db::detail
