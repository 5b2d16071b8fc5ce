#include <slipway/migrations/generate.hpp>
#include <slipway/migrations/indexes.hpp>

#include "reader_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::migrations {
namespace {

using shelf::after::reader;
using testing::HasSubstr;

struct long_names {
  id_of<long_names> id;
  std::string a_name_that_somebody_thought_to_be_well_chosen;
  std::string another_one_that_is_of_about_the_same_length;
};
BOOST_DESCRIBE_STRUCT(long_names, (),
                      (id, a_name_that_somebody_thought_to_be_well_chosen,
                       another_one_that_is_of_about_the_same_length))

}  // namespace
}  // namespace slipway::migrations

template <>
inline constexpr auto slipway::db::table_of<slipway::migrations::long_names> =
    table<slipway::migrations::long_names>("names")
        .unique(&migrations::long_names::a_name_that_somebody_thought_to_be_well_chosen,
                &migrations::long_names::another_one_that_is_of_about_the_same_length)
        .index(&migrations::long_names::a_name_that_somebody_thought_to_be_well_chosen,
               &migrations::long_names::another_one_that_is_of_about_the_same_length);

namespace slipway::migrations {
namespace {

db::table_info const& readers = db::info_of<reader>;

TEST(index_rules, have_names_that_every_engine_takes) {
  EXPECT_EQ(index_name(readers, readers.indexes()[0]), "readers_email_key");
  EXPECT_EQ(index_name(readers, readers.indexes()[1]), "readers_branch_card_key");
  EXPECT_EQ(index_name(readers, readers.indexes()[2]), "readers_name_no_left_at_key");
  EXPECT_EQ(index_name(readers, readers.indexes()[3]), "readers_favourite_joined_at");
  auto const& names = db::info_of<long_names>;
  auto const first = index_name(names, names.indexes()[0]), second = index_name(names, names.indexes()[1]);
  EXPECT_EQ(first.size(), 60u);
  EXPECT_NE(first, second);
}

TEST(index_rules, name_their_violations_as_the_traits_say_it) {
  static_assert(std::string_view{db::unique_key<&reader::branch, &reader::card>} ==
                "unique(readers.branch,readers.card)");
  EXPECT_STREQ(db::unique_key<&reader::email>, "unique(readers.email)");
  EXPECT_STREQ(db::unique_key<&reader::id>, "unique(readers.id)") << "the key itself";
}

table_state with(index_state index) { return {.name = "readers", .key = {"id"}, .indexes = {std::move(index)}}; }

TEST(index_rules, are_kept_by_indexes_that_do_the_same) {
  auto const& email = readers.indexes()[0];
  auto const& name = readers.indexes()[2];
  auto const& favourite = readers.indexes()[3];
  auto const& joined = readers.indexes()[4];
  EXPECT_TRUE(is_kept(readers, email, with({.name = "x", .unique = true, .parts = {{"email"}}})));
  EXPECT_FALSE(is_kept(readers, email, with({.name = "x", .unique = false, .parts = {{"email"}}})));
  EXPECT_FALSE(is_kept(readers, email, with({.name = "x", .unique = true, .valid = false, .parts = {{"email"}}})));
  EXPECT_FALSE(is_kept(readers, email, with({.name = "x", .unique = true, .parts = {{"email"}, {"card"}}})));
  EXPECT_FALSE(is_kept(readers, email, with({.name = "x", .unique = true, .parts = {{"email", false}}})));
  EXPECT_FALSE(
      is_kept(readers, email, with({.name = "x", .unique = true, .parts = {{"email"}}, .condition = "card>0"})));
  EXPECT_FALSE(is_kept(readers, name, with({.name = "x", .unique = true, .parts = {{"name"}}})));
  EXPECT_TRUE(
      is_kept(readers, name, with({.name = "x", .unique = true, .parts = {{"name"}}, .condition = "left_atisnull"})));
  // A plain one may do more than it was promised to.
  EXPECT_TRUE(is_kept(readers, favourite, with({.name = "x", .parts = {{"favourite"}, {"joined_at"}, {"card"}}})));
  EXPECT_FALSE(is_kept(readers, favourite, with({.name = "x", .parts = {{"joined_at"}, {"favourite"}}})));
  EXPECT_TRUE(is_kept(readers, joined, with({.name = "x", .parts = {{"joined_at"}}})));
  EXPECT_FALSE(is_kept(readers, joined, with({.name = "x", .parts = {{"joined_at"}}, .condition = "card>0"})));
}

// What a SQLite database showed, in the words of an engine that nobody looked at.
std::string told(db::dialect d) {
  schema_state there{.dialect = db::dialect::sqlite};
  there.tables = {{.name = "authors",
                   .columns = {{.name = "id", .type = "BLOB"},
                               {.name = "name", .type = "TEXT"},
                               {.name = "phone", .type = "TEXT", .nullable = true}},
                   .key = {"id"}},
                  {.name = "readers", .key = {"id"}}};
  for (auto const& member : readers.row->members)
    there.tables[1].columns.push_back({.name = std::string{member.name}, .type = "TEXT"});
  for (auto& c : there.tables[1].columns) {
    if (c.name == "id" || c.name == "favourite") c.type = "BLOB";
    if (c.name == "card" || c.name.ends_with("_at")) c.type = "INTEGER";
    c.nullable = c.name == "left_at";
  }
  auto const models = db::models_of<shelf::before::author, reader>();
  std::vector<engine_view> const views{{.dialect = d,
                                        .found = compare(models, there),
                                        .state = d == db::dialect::sqlite ? &there : nullptr,
                                        .found_on = db::dialect::sqlite}};
  std::string out;
  for (auto const& f : migration_files("kept", 1, models, views, false)) out += f.name + "\n" + f.text;
  return out;
}

TEST(index_rules, come_to_a_table_that_is_in_use) {
  auto const postgres = told(db::dialect::postgres);
  EXPECT_THAT(postgres, HasSubstr("0002_kept_indexes.postgres.sql"));
  EXPECT_THAT(postgres, HasSubstr("IF EXISTS (SELECT 1 FROM \"readers\" WHERE \"email\" IS NOT NULL GROUP BY "
                                  "\"email\" HAVING count(*) > 1) THEN"));
  EXPECT_THAT(postgres,
              HasSubstr("CREATE UNIQUE INDEX CONCURRENTLY \"readers_email_key\" ON \"readers\" (\"email\");"));
  EXPECT_THAT(postgres, HasSubstr("ADD CONSTRAINT \"readers_email_key\" UNIQUE USING INDEX \"readers_email_key\";"));
  EXPECT_THAT(postgres, HasSubstr("ON \"readers\" (\"name\") WHERE \"left_at\" IS NULL;"));
  EXPECT_THAT(postgres, testing::Not(HasSubstr("USING INDEX \"readers_name_no_left_at_key\"")));
  auto const mysql = told(db::dialect::mysql);
  EXPECT_THAT(mysql, HasSubstr("ADD COLUMN \"left_at_is_null\" tinyint AS (CASE WHEN \"left_at\" IS NULL THEN 1 END) "
                               "VIRTUAL, ALGORITHM=INPLACE, LOCK=NONE;"));
  EXPECT_THAT(mysql,
              HasSubstr("ADD CONSTRAINT \"readers_name_no_left_at_key\" UNIQUE (\"name\", \"left_at_is_null\")"));
  EXPECT_THAT(mysql, HasSubstr("ADD INDEX \"readers_favourite_joined_at\" (\"favourite\", \"joined_at\")"));
  auto const sqlite = told(db::dialect::sqlite);
  EXPECT_THAT(sqlite, HasSubstr("CREATE UNIQUE INDEX \"readers_email_key\" ON \"readers\" (\"email\");"));
  EXPECT_THAT(sqlite, HasSubstr("0002_kept_checked.sqlite.sql"));
}

}  // namespace
}  // namespace slipway::migrations
