#include <slipway/migrations/statements.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace slipway::migrations {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(std::string_view sql, db::dialect d) {
  std::vector<std::string> out;
  for (auto const& s : split(sql, d)) out.emplace_back(s.text);
  return out;
}
std::vector<std::string> lite(std::string_view sql) { return texts(sql, db::dialect::sqlite); }
std::vector<std::string> post(std::string_view sql) { return texts(sql, db::dialect::postgres); }

TEST(split, nothing_is_no_statement) {
  for (auto const* empty : {"", " \n\t", ";", ";;\n;", "-- only this", "/* and */ ; -- that", "/* never closed"})
    EXPECT_TRUE(lite(empty).empty()) << empty;
}

TEST(split, statements_lose_what_is_around_them_and_keep_what_is_within) {
  EXPECT_THAT(lite("select 1; select 2"), ElementsAre("select 1", "select 2"));
  EXPECT_THAT(lite("-- first\nselect /* one */ 1 -- and\n , 2 ; -- done\n"),
              ElementsAre("select /* one */ 1 -- and\n , 2"));
}

TEST(split, semicolons_in_quotes_do_not_count) {
  EXPECT_THAT(lite("select 'a;b', \"c;d\", `e;f`, [g;h]; x"), ElementsAre("select 'a;b', \"c;d\", `e;f`, [g;h]", "x"));
  EXPECT_THAT(lite("select 'it''s; one'; x"), ElementsAre("select 'it''s; one'", "x"));
  EXPECT_THAT(post("select \"a\"\";b\"; x"), ElementsAre("select \"a\"\";b\"", "x"));
  EXPECT_THAT(lite("select ''; x"), ElementsAre("select ''", "x"));
}

TEST(split, backslashes_escape_in_e_strings_alone) {
  EXPECT_THAT(post(R"(select E'a\';b'; x)"), ElementsAre(R"(select E'a\';b')", "x"));
  EXPECT_THAT(post(R"(select e'\\'; x)"), ElementsAre(R"(select e'\\')", "x"));
  EXPECT_THAT(post(R"(select 'a\'; x)"), ElementsAre(R"(select 'a\')", "x"));
  EXPECT_THAT(lite(R"(select 'a\'; x)"), ElementsAre(R"(select 'a\')", "x"));
  EXPECT_THAT(post(R"(select "E"'\'; x)"), ElementsAre(R"(select "E"'\')", "x"));
}

TEST(split, brackets_are_arrays_on_postgresql) {
  EXPECT_THAT(post("select a[1]; select array[1]; x"), ElementsAre("select a[1]", "select array[1]", "x"));
}

TEST(split, dollar_quotes) {
  EXPECT_THAT(post("do $$ begin; end; $$; x"), ElementsAre("do $$ begin; end; $$", "x"));
  EXPECT_THAT(post("do $a$ ; $b$ ; $$ ; $a$; x"), ElementsAre("do $a$ ; $b$ ; $$ ; $a$", "x"));
  EXPECT_THAT(post("select $1; x"), ElementsAre("select $1", "x"));
  EXPECT_THAT(post("select a$b$c; x"), ElementsAre("select a$b$c", "x"));  // part of a name
  EXPECT_THAT(post("do $$ never closed; x"), ElementsAre("do $$ never closed; x"));
  EXPECT_THAT(lite("select $a$; x; select $b$"), ElementsAre("select $a$", "x", "select $b$"));
}

TEST(split, comments_nest_on_postgresql_only) {
  EXPECT_THAT(post("select 1 /* a /* b; */ c; */ + 2; x"), ElementsAre("select 1 /* a /* b; */ c; */ + 2", "x"));
  EXPECT_THAT(lite("select 1 /* a /* b; */ + 2; x"), ElementsAre("select 1 /* a /* b; */ + 2", "x"));
  EXPECT_THAT(post("select 1 -- ' ; \n; x"), ElementsAre("select 1", "x"));
  EXPECT_THAT(post("select '--'; x /* ' */ y"), ElementsAre("select '--'", "x /* ' */ y"));
}

TEST(split, the_body_of_a_trigger_stays_together) {
  constexpr auto trigger =
      "CREATE TEMP TRIGGER t AFTER UPDATE ON a WHEN CASE new.x WHEN 1 THEN 1 ELSE 0 END BEGIN\n"
      "  UPDATE a SET x = CASE WHEN x > 1 THEN 2 ELSE 3 END;\n"
      "  DELETE FROM b;\n"
      "END";
  EXPECT_THAT(lite(std::string{trigger} + "; x"), ElementsAre(trigger, "x"));
  EXPECT_THAT(lite("create trigger \"begin\" insert on a begin select 1; end; x"),
              ElementsAre("create trigger \"begin\" insert on a begin select 1; end", "x"));
  EXPECT_THAT(lite("create table trigger_log (a); x"), ElementsAre("create table trigger_log (a)", "x"));
}

TEST(split, so_does_that_of_a_function_in_standard_sql) {
  constexpr auto function =
      "CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 1 END; SELECT 2; END";
  EXPECT_THAT(post(std::string{function} + "; x"), ElementsAre(function, "x"));
  EXPECT_THAT(post("create function f() returns void language plpgsql as $$ begin; end $$; x"),
              ElementsAre("create function f() returns void language plpgsql as $$ begin; end $$", "x"));
}

TEST(split, mysqls_own_words) {
  auto const my = [](std::string_view sql) { return texts(sql, db::dialect::mysql); };
  EXPECT_THAT(my("select 1 # a; b\n, 2; x"), ElementsAre("select 1 # a; b\n, 2", "x"));
  EXPECT_THAT(my("select 1--2; x"), ElementsAre("select 1--2", "x"));  // no comment without a blank
  EXPECT_THAT(my("select 1 -- 2; x\n"), ElementsAre("select 1"));
  EXPECT_THAT(my("select '\\'; x"), ElementsAre("select '\\'", "x"));
  EXPECT_THAT(my("select `a;b`, \"c;d\"; x"), ElementsAre("select `a;b`, \"c;d\"", "x"));
  std::string const routine =
      "CREATE OR REPLACE DEFINER = root@localhost PROCEDURE p() BEGIN\n"
      "  IF 1 THEN SELECT 1; ELSEIF 2 THEN SELECT CASE WHEN 1 THEN 2 END; END IF;\n"
      "  again: LOOP SET @i = @i + 1; IF @i > 3 THEN LEAVE again; END IF; END LOOP again;\n"
      "  WHILE 0 DO BEGIN SELECT 2; END; END WHILE;\n"
      "  CASE @i WHEN 1 THEN SELECT 3; ELSE BEGIN END; END CASE;\n"
      "  REPEAT SET @i = 0; UNTIL 1 END REPEAT;\n"
      "END";
  EXPECT_THAT(my(routine + ";\nselect 1;"), ElementsAre(routine, "select 1"));
  std::string const trigger = "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1";
  EXPECT_THAT(my(trigger + "; x"), ElementsAre(trigger, "x"));
}

TEST(split, counts_lines) {
  auto const all =
      split("-- a\n\nselect 'x\ny';\n/* \n */ select 2;\n\n do $$\n\n$$; select 4", db::dialect::postgres, 10);
  std::vector<unsigned> lines;
  for (auto const& s : all) lines.push_back(s.line);
  EXPECT_THAT(lines, ElementsAre(12u, 15u, 17u, 19u));
}

TEST(split, every_prefix_of_anything_comes_to_an_end) {
  std::string const all =
      "create trigger t begin 'a''b' \"c\" [d] `e` $x$ ; $x$ /* /* */ */ -- f\n case end; end; E'\\'' 1e5 \xc3\xa4;";
  for (auto d : {db::dialect::sqlite, db::dialect::postgres})
    for (std::size_t from = 0; from < all.size(); ++from)
      for (std::size_t size = 0; size <= all.size() - from; ++size)
        for (auto const& s : split(std::string_view{all}.substr(from, size), d)) EXPECT_FALSE(s.text.empty());
}

TEST(controls_transaction, knows_the_words) {
  for (auto const* yes : {"BEGIN", "begin immediate", "Commit", "END", "rollback to a", "START TRANSACTION", "abort;"})
    EXPECT_TRUE(controls_transaction(yes)) << yes;
  for (auto const* no : {"", "select 1", "beginning", "savepoint a", "release a", "\"begin\"", "ends"})
    EXPECT_FALSE(controls_transaction(no)) << no;
}

}  // namespace
}  // namespace slipway::migrations
