// Which columns a condition compares, and the index that follows from it.
#include <slipway/query_health/advice.hpp>
#include <slipway/query_health/condition_columns.hpp>
#include <slipway/query_health/engines.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace slipway::query_health {
namespace {

using strings = std::vector<std::string>;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

strings const columns{"id", "owner_id", "title", "stars", "at", "rank"};

compared_columns compared(std::string_view condition) { return columns_of(condition, columns, {"notes", "n"}); }

TEST(condition_columns, are_those_that_stand_alone_on_their_side) {
  EXPECT_THAT(compared("(owner_id = $1)").equal, ElementsAre("owner_id"));
  EXPECT_THAT(compared("((owner_id = $1) AND (stars > $2))").equal, ElementsAre("owner_id"));
  EXPECT_THAT(compared("((owner_id = $1) AND (stars > $2))").range, ElementsAre("stars"));
  EXPECT_THAT(compared("((title)::text = ($1)::text)").equal, ElementsAre("title"));
  EXPECT_THAT(compared("(owner_id = ANY ($1))").equal, ElementsAre("owner_id"));
  EXPECT_THAT(compared("(rank IS NULL)").is_null, ElementsAre("rank"));
  EXPECT_THAT(compared("`app`.`notes`.`owner_id` = 'x' and notes.at between 1 and 2").equal, ElementsAre("owner_id"));
  EXPECT_THAT(compared("`app`.`notes`.`owner_id` = 'x' and notes.at between 1 and 2").range, ElementsAre("at"));
  EXPECT_THAT(compared(R"(n."owner_id" in ($1, $2) and "n"."title" = 'stars = 3')").equal,
              ElementsAre("owner_id", "title"));
  EXPECT_THAT(compared("users.id = $1").equal, IsEmpty()) << "a column of another table";
  EXPECT_THAT(compared("(lower(title) = $1)").equal, IsEmpty()) << "an index over the column does not help";
  EXPECT_THAT(compared("(stars <> 3) and rank is not null").equal, IsEmpty());
  EXPECT_TRUE(compared("(stars = 3) OR (rank = 4)").has_or);
  EXPECT_THAT(compared("").equal, IsEmpty());
  EXPECT_THAT(compared("'unfinished").equal, IsEmpty());
}

TEST(condition_columns, the_condition_of_a_statement_ends_where_something_else_begins) {
  EXPECT_EQ(where_of("select 1 from t where a = $1 order by b"), " a = $1 ");
  EXPECT_EQ(where_of("update t set x = 1 WHERE a = 'where' returning a"), " a = 'where' ");
  EXPECT_EQ(where_of("select (select 1 from u where v = 2) from t"), "") << "that of another query";
  EXPECT_EQ(where_of("select 1"), "");
  EXPECT_EQ(where_of("select x_where from t where order_id = $1 and for_sale"), " order_id = $1 and for_sale");
  EXPECT_EQ(where_of("select nowhere from t where a = 1"), " a = 1");
  EXPECT_EQ(table_behind("select 1 from notes as n join users u on 1 = 1", "n"), "notes");
  EXPECT_EQ(table_behind("select 1 from notes as n join users u on 1 = 1", "u"), "users");
  EXPECT_EQ(table_behind("select 1 from notes", "notes"), "notes");
}

table_facts large() { return {.rows = 100'000, .columns = columns, .indexes = {{"id"}, {"title", "owner_id"}}}; }

TEST(advice, is_an_index_in_the_words_of_the_engine) {
  full_scan const scan{
      .table = "notes", .called = "notes", .condition = "((stars > $2) AND (owner_id = $1))", .kept = 5};
  auto const found = advise(db::dialect::postgres, scan, large(), 10'000);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->sql, R"(create index concurrently "notes_owner_id_stars_idx" on "notes" ("owner_id", "stars"))")
      << "what must be equal comes first";
  full_scan const living{
      .table = "notes", .called = "notes", .condition = "((at IS NULL) AND (owner_id = $1))", .kept = 5};
  EXPECT_THAT(advise(db::dialect::postgres, living, large(), 10'000)->columns, ElementsAre("owner_id"));
  EXPECT_THAT(found->text(), HasSubstr("100000 rows"));
  auto const mysql =
      advise(db::dialect::mysql, {.table = "notes", .condition = "notes.at > 3", .kept = 0.1}, large(), 10);
  ASSERT_TRUE(mysql);
  EXPECT_EQ(mysql->sql, "create index `notes_at_idx` on `notes` (`at`) algorithm=inplace lock=none");
  EXPECT_EQ(advise(db::dialect::sqlite, {.table = "notes", .columns = {"stars"}}, large(), 10)->sql,
            R"(create index "notes_stars_idx" on "notes" ("stars"))");
}

TEST(advice, names_every_index_otherwise_however_long_its_table_is_called) {
  std::string const beginning = "the_table_of_the_year_whose_name_has_sixty_octets_and_ends_\u00e4";
  std::set<std::string> names;
  for (auto const* end : {"of", "or"}) {
    auto const found = advise(db::dialect::sqlite, {.table = beginning + end, .columns = {"stars"}}, large(), 10);
    ASSERT_TRUE(found);
    names.insert(found->sql.substr(0, found->sql.find(" on ")));
    EXPECT_LE(names.rbegin()->size(), std::string_view{R"(create index "")"}.size() + 60);
  }
  EXPECT_EQ(names.size(), 2u);
}

TEST(advice, is_not_given_where_an_index_would_not_help) {
  auto const none = [](std::string condition, table_facts const& facts, double kept = 5) {
    return !advise(db::dialect::postgres, {.table = "notes", .called = "notes", .condition = condition, .kept = kept},
                   facts, 10'000);
  };
  auto small = large();
  small.rows = 9'999;
  EXPECT_FALSE(none("(stars = 1)", large()));
  EXPECT_TRUE(none("(stars = 1)", small));
  EXPECT_TRUE(none("(stars = 1)", large(), 30'000)) << "most of the table";
  EXPECT_TRUE(none("(title = $1)", large())) << "there is one, and the engine does not want it";
  EXPECT_TRUE(none("((stars = 1) OR (rank = 2))", large()));
  EXPECT_TRUE(none("(lower(title) = $1)", large()));
}

TEST(plans, of_any_shape_are_read_without_harm) {
  for (auto const* text : {"[]", "{}", "[1]", "[{\"Plan\":1}]", "[{\"Plan\":{\"Plans\":[1,{}]}}]", "null"})
    EXPECT_TRUE(detail::read_postgres_plan(*json::parse(text)).scans.empty()) << text;
  for (auto const* text : {"[]", "{}", "{\"query_block\":{\"table\":{\"access_type\":\"ALL\"}}}", "3"})
    EXPECT_TRUE(detail::read_mysql_plan(*json::parse(text), "select 1").scans.empty()) << text;
  EXPECT_EQ(detail::with_quotes_escaped("{\n  \"a\": \"t.\"b\" = 1\",\n  \"c\": 2}"),
            "{\n  \"a\": \"t.\\\"b\\\" = 1\",\n  \"c\": 2}\n");
  EXPECT_TRUE(has_plan(" (select 1)"));
  EXPECT_FALSE(has_plan("vacuum"));
  EXPECT_FALSE(has_plan("create table t (id int)"));
  EXPECT_EQ(parameters_of("select $1, $12, $x"), 12u);
}

}  // namespace
}  // namespace slipway::query_health
