#include <slipway/migrations/column_types.hpp>
#include <slipway/migrations/generate.hpp>
#include <slipway/migrations/lint.hpp>
#include <slipway/migrations/table_text.hpp>

#include "shelf_models.hpp"

#include <slipway/core/errors.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace slipway::migrations {
namespace {

using db::dialect;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::array engines{dialect::sqlite, dialect::postgres, dialect::mysql};

std::uint8_t member(std::string_view name) {
  auto const& members = db::info_of<shelf::before::sample>.row->members;
  for (std::uint8_t i = 0; i < members.size(); ++i)
    if (members[i].name == name) return i;
  throw std::runtime_error{"no such member"};
}
column_type type_of(std::string_view name) { return wanted_type(db::info_of<shelf::before::sample>, member(name)); }

TEST(column_types, each_engine_has_its_own_word_and_can_hold_what_it_says) {
  std::map<std::string, std::array<std::string, 3>> const words{
      {"flag", {"INTEGER", "boolean", "boolean"}},
      {"small", {"INTEGER", "smallint", "smallint"}},
      {"natural", {"INTEGER", "bigint", "bigint"}},
      {"ratio", {"REAL", "double precision", "double"}},
      {"text", {"TEXT", "text", "longtext"}},
      {"genre", {"TEXT", "text", "varchar(20)"}},
      {"other", {"BLOB", "uuid", "binary(16)"}},
      {"at", {"INTEGER", "timestamptz", "datetime(6)"}},
      {"day", {"TEXT", "date", "date"}},
      {"took", {"INTEGER", "bigint", "bigint"}},
      {"price", {"INTEGER", "numeric(18, 2)", "decimal(18, 2)"}},
      {"octets", {"BLOB", "bytea", "longblob"}},
      {"words", {"TEXT", "jsonb", "json"}},
      {"numbers", {"TEXT", "bigint[]", "json"}},
      {"extra", {"TEXT", "jsonb", "json"}},
      {"maybe", {"TEXT", "text", "longtext"}}};
  for (auto const& [name, expected] : words)
    for (std::size_t i = 0; i < engines.size(); ++i)
      EXPECT_EQ(sql_type(type_of(name), engines[i]), expected[i]) << name;
}

TEST(column_types, a_column_is_judged_by_what_it_can_hold) {
  auto const holds = [](std::string_view name, std::string_view native, dialect d) {
    return can_hold(native, type_of(name), d);
  };
  for (auto const* wide : {"integer", "bigint", "smallint"})
    EXPECT_TRUE(holds("small", wide, dialect::postgres)) << wide;
  EXPECT_FALSE(holds("natural", "integer", dialect::postgres));
  EXPECT_FALSE(holds("took", "integer", dialect::postgres));
  EXPECT_TRUE(holds("text", "character varying(20)", dialect::postgres));
  EXPECT_TRUE(holds("genre", "character varying(20)", dialect::postgres));
  EXPECT_FALSE(holds("genre", "character varying(5)", dialect::postgres));
  EXPECT_FALSE(holds("at", "timestamp without time zone", dialect::postgres));
  EXPECT_FALSE(holds("at", "timestamp(3) with time zone", dialect::postgres));
  EXPECT_TRUE(holds("at", "timestamp with time zone", dialect::postgres));
  EXPECT_TRUE(holds("price", "numeric(10,2)", dialect::postgres));
  EXPECT_TRUE(holds("price", "numeric", dialect::postgres));
  EXPECT_FALSE(holds("price", "numeric(10,1)", dialect::postgres));
  EXPECT_TRUE(holds("numbers", "bigint[]", dialect::postgres));
  EXPECT_FALSE(holds("numbers", "text[]", dialect::postgres));
  EXPECT_FALSE(holds("words", "text", dialect::postgres));

  EXPECT_TRUE(holds("flag", "tinyint(1)", dialect::mysql));
  EXPECT_TRUE(holds("took", "bigint(20)", dialect::mysql));
  EXPECT_FALSE(holds("took", "bigint(20) unsigned", dialect::mysql));
  EXPECT_FALSE(holds("took", "int(11)", dialect::mysql));
  EXPECT_TRUE(holds("other", "uuid", dialect::mysql));
  EXPECT_FALSE(holds("other", "binary(12)", dialect::mysql));
  EXPECT_FALSE(holds("at", "datetime", dialect::mysql));
  EXPECT_FALSE(holds("at", "timestamp(6)", dialect::mysql));  // ends in 2038
  EXPECT_TRUE(holds("extra", "longtext", dialect::mysql));    // MariaDB's json

  // A column without negative numbers is for members without them.
  EXPECT_TRUE(holds("natural", "int(10) unsigned", dialect::mysql));
  EXPECT_TRUE(holds("natural", "int unsigned zerofill", dialect::mysql));
  EXPECT_TRUE(holds("natural", "bigint(20) unsigned", dialect::mysql));
  EXPECT_FALSE(holds("natural", "mediumint(8) unsigned", dialect::mysql));
  EXPECT_FALSE(holds("natural", "int(11)", dialect::mysql));
  EXPECT_TRUE(holds("natural", "bigint(20)", dialect::mysql));
  EXPECT_FALSE(holds("small", "smallint(5) unsigned", dialect::mysql));
  EXPECT_TRUE(holds("flag", "tinyint(1) unsigned", dialect::mysql));
  EXPECT_FALSE(holds("ratio", "double unsigned", dialect::mysql));
  EXPECT_FALSE(holds("price", "decimal(18,2) unsigned", dialect::mysql));

  EXPECT_TRUE(holds("flag", "BOOLEAN", dialect::sqlite));
  EXPECT_TRUE(holds("text", "VARCHAR(20)", dialect::sqlite));
  EXPECT_FALSE(holds("text", "INTEGER", dialect::sqlite));
  EXPECT_FALSE(holds("other", "TEXT", dialect::sqlite));
  EXPECT_TRUE(holds("other", "ANY", dialect::sqlite));
}

TEST(column_types, what_unsigned_columns_hold_fits_a_wider_one_with_a_sign) {
  EXPECT_FALSE(widens("bigint(20) unsigned", type_of("took"), dialect::mysql));
  EXPECT_TRUE(widens("int(10) unsigned", type_of("took"), dialect::mysql));
  EXPECT_FALSE(widens("smallint(5) unsigned", type_of("small"), dialect::mysql));
  EXPECT_TRUE(widens("tinyint(3) unsigned", type_of("small"), dialect::mysql));
  EXPECT_TRUE(widens("decimal(18,2) unsigned", type_of("price"), dialect::mysql));
  EXPECT_TRUE(widens("double unsigned", type_of("ratio"), dialect::mysql));
  // In another engine's words they get the room that they need.
  EXPECT_EQ(sql_type(read_type("int(10) unsigned", dialect::mysql), dialect::postgres), "bigint");
  EXPECT_EQ(sql_type(read_type("smallint unsigned", dialect::mysql), dialect::postgres), "integer");
}

TEST(table_text, one_column_changes_and_everything_else_stays) {
  table_text t{
      "CREATE TABLE \"odd (name\" (\n  id BLOB PRIMARY KEY CHECK (length(id) = 16), -- a, remark\n  [a b] TEXT NOT "
      "NULL "
      "DEFAULT 'x, NOT NULL' CHECK ([a b] <> ')'),\n  n numeric(10, 2) DEFAULT NULL /* , */,\n  UNIQUE (n, \"a b\")\n) "
      "WITHOUT ROWID, STRICT"};
  EXPECT_TRUE(t.has("A B"));
  EXPECT_FALSE(t.has("UNIQUE"));
  EXPECT_EQ(t.definition("n"), "numeric(10, 2) DEFAULT NULL /* , */");
  t.set_nullable("a b", true);
  EXPECT_EQ(t.definition("a b"), "TEXT DEFAULT 'x, NOT NULL' CHECK ([a b] <> ')')");
  t.set_type("n", "bigint");
  t.set_nullable("n", false);
  EXPECT_EQ(t.definition("n"), "bigint NOT NULL /* , */");
  EXPECT_THAT(t.text("\"t\""), HasSubstr("CREATE TABLE \"t\" (\n  id BLOB PRIMARY KEY CHECK (length(id) = 16)"));
  EXPECT_THAT(t.text("\"t\""), HasSubstr("UNIQUE (n, \"a b\")\n) WITHOUT ROWID, STRICT"));
  EXPECT_EQ(t.definition("nothing"), "");
}

TEST(table_text, what_mysql_shows_becomes_what_it_takes) {
  EXPECT_EQ(
      with_standard_literals(R"(CREATE TABLE "t" ("a\b" text DEFAULT 'it''s \\b', b text DEFAULT 'it\'s "q"\n'))"),
      "CREATE TABLE \"t\" (\"a\\b\" text DEFAULT 'it''s \\b', b text DEFAULT 'it''s \"q\"\n')");
  table_text const t{
      R"(CREATE TABLE "t" ("a" int, "b" int, KEY "k" ("a"), CONSTRAINT "f" FOREIGN KEY ("b") REFERENCES "a" ("a")))"};
  EXPECT_TRUE(t.foreign_keys_of("a").empty());
  ASSERT_EQ(t.foreign_keys_of("B").size(), 1u);
  EXPECT_EQ(t.foreign_keys_of("b")[0].name, "f");
}

// What a SQLite database showed, in the words of an engine that nobody looked at.
std::vector<file> told(db::models const& models, schema_state const& there, dialect d, bool destructive = false) {
  std::vector<engine_view> const views{{.dialect = d,
                                        .found = compare(models, there),
                                        .state = d == dialect::sqlite ? &there : nullptr,
                                        .found_on = dialect::sqlite}};
  return migration_files("grown", 7, models, views, destructive);
}
schema_state shelves() {
  schema_state out{.dialect = dialect::sqlite};
  out.tables = {{.name = "authors",
                 .columns = {{.name = "id", .type = "BLOB"},
                             {.name = "name", .type = "TEXT"},
                             {.name = "phone", .type = "TEXT", .nullable = true}},
                 .made_by = "CREATE TABLE authors (id BLOB PRIMARY KEY, name TEXT NOT NULL, phone TEXT) STRICT"},
                {.name = "schema_migrations"},
                {.name = "documents_preferences"}};
  return out;
}

TEST(generate, a_difference_is_told_in_the_words_of_each_engine) {
  auto const models = shelf::models_after();
  for (auto const d : engines) {
    auto files = told(models, shelves(), d);
    ASSERT_FALSE(files.empty());
    EXPECT_THAT(files[0].name, testing::StartsWith("0007_grown"));
    EXPECT_EQ(files[0].text.starts_with("-- Made from what a SQLite database showed"), d != dialect::sqlite);
    // Whatever it is, it is a migration, and one that may be run under load.
    for (std::size_t i = 0; i < files.size(); ++i)
      files[i].name = "000" + std::to_string(i + 1) + files[i].name.substr(4);
    for (auto const& m : catalog_of(files, d)) {
      EXPECT_TRUE(m.down.has_value()) << m.file;
      EXPECT_THAT(lint(m, d), IsEmpty()) << m.up;
    }
  }
  auto const postgres = told(models, shelves(), dialect::postgres);
  EXPECT_THAT(postgres[0].text, HasSubstr("CREATE TABLE \"books\" ("));
  EXPECT_THAT(postgres[0].text, HasSubstr("\"author_id\" uuid NOT NULL REFERENCES \"authors\" (\"id\")"));
  EXPECT_THAT(postgres[0].text, HasSubstr("CREATE INDEX \"reviews_book_id\" ON \"reviews\" (\"book_id\");"));
  EXPECT_THAT(postgres[0].text, HasSubstr("\"id\"      bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"));
  EXPECT_THAT(postgres[0].text, HasSubstr("CHECK (\"phone\" IS NOT NULL) NOT VALID;"));
  EXPECT_LT(postgres[0].text.find("CREATE TABLE \"books\""), postgres[0].text.find("CREATE TABLE \"reviews\""));
  EXPECT_EQ(postgres.back().name, "0008_grown_checked.postgres.sql");
  EXPECT_THAT(postgres.back().text, HasSubstr("UPDATE \"authors\" SET \"phone\" = 'none' WHERE \"phone\" IS NULL;"));
}

TEST(generate, what_takes_data_away_is_a_comment_unless_it_was_asked_for) {
  auto const models = db::models_of<shelf::before::author>();
  auto there = shelves();
  there.tables[0].columns.push_back({.name = "pseudonym", .type = "TEXT", .has_default = true});
  there.tables.push_back({.name = "old", .columns = {{.name = "id", .type = "INTEGER"}}});
  for (auto const d : engines) {
    auto const careful = told(models, there, d);
    ASSERT_EQ(careful.size(), 1u);
    EXPECT_THAT(careful[0].name, HasSubstr("0007_grown_contract."));
    EXPECT_THAT(careful[0].text, HasSubstr("-- after deployment\n"));
    EXPECT_THAT(careful[0].text, HasSubstr("\n-- DROP TABLE \"old\";"));
    EXPECT_THAT(careful[0].text, HasSubstr("\n-- ALTER TABLE \"authors\" DROP COLUMN \"pseudonym\""));
    EXPECT_THAT(careful[0].text, HasSubstr("SELECT 1;"));
    auto const bold = told(models, there, d, true);
    EXPECT_THAT(bold[0].text, HasSubstr("\nDROP TABLE \"old\";"));
    EXPECT_THAT(bold[0].text, Not(HasSubstr("-- down"))) << "a table that was dropped does not come back";
  }
}

TEST(generate, tables_in_parts_have_the_key_that_their_parts_want) {
  auto const models = db::models_of<shelf::event>();
  schema_state const nothing{.dialect = dialect::sqlite};
  auto const postgres = told(models, nothing, dialect::postgres)[0].text;
  EXPECT_THAT(postgres, HasSubstr("\"id\" uuid NOT NULL,"));
  EXPECT_THAT(postgres, HasSubstr("PRIMARY KEY (\"id\", \"at\")\n) PARTITION BY RANGE (\"at\");"));
  EXPECT_THAT(told(models, nothing, dialect::mysql)[0].text,
              HasSubstr("PARTITION BY RANGE COLUMNS (\"at\") (PARTITION rest"));
  EXPECT_THAT(told(models, nothing, dialect::sqlite)[0].text, Not(HasSubstr("PARTITION")));
}

TEST(generate, tables_in_parts_by_a_hash_or_a_list) {
  schema_state const nothing{.dialect = dialect::sqlite};
  auto const marks = db::models_of<shelf::mark>(), orders = db::models_of<shelf::order>();
  auto const hash = told(marks, nothing, dialect::postgres)[0].text;
  EXPECT_THAT(hash, HasSubstr("\"id\"   bigint NOT NULL,"));
  EXPECT_THAT(hash, HasSubstr("PRIMARY KEY (\"id\")\n) PARTITION BY HASH (\"id\");"));
  auto const list = told(orders, nothing, dialect::postgres)[0].text;
  EXPECT_THAT(list, HasSubstr("\"region\" text NOT NULL"));
  EXPECT_THAT(list, HasSubstr("PRIMARY KEY (\"id\", \"region\")\n) PARTITION BY LIST (\"region\");"));
  for (auto const& models : {marks, orders})  // on MySQL these are one table (docs/scaling.md)
    for (auto const d : {dialect::mysql, dialect::sqlite})
      EXPECT_THAT(told(models, nothing, d)[0].text, Not(HasSubstr("PARTITION")));
}

TEST(generate, tables_that_refer_to_each_other_are_made_in_an_order_that_works) {
  auto const models = db::models_of<shelf::hen, shelf::egg>();
  schema_state const nothing{.dialect = dialect::sqlite};
  for (auto const d : {dialect::postgres, dialect::mysql}) {
    auto const text = told(models, nothing, d)[0].text;
    EXPECT_THAT(text, HasSubstr("refer to each other"));
    auto const first = text.find("CREATE TABLE \"eggs\""), second = text.find("CREATE TABLE \"hens\"");
    EXPECT_LT(first, second);
    EXPECT_EQ(text.substr(first, second - first).find("REFERENCES \"hens\""), std::string::npos);
    EXPECT_NE(text.substr(second).find("REFERENCES \"eggs\""), std::string::npos);
  }
}

TEST(generate, names_that_may_have_changed_are_noticed) {
  auto there = shelves();
  there.tables[0].columns[1].name = "full_name";
  auto const models = db::models_of<shelf::before::author>();
  auto const found = compare(models, there);
  EXPECT_TRUE(may_hold_renames(found));
  EXPECT_EQ(found.size(), 2u);
  EXPECT_FALSE(may_hold_renames(compare(models, shelves())));
}

TEST(generate, files_are_never_overwritten_and_all_or_none_are_written) {
  std::string name = (std::filesystem::temp_directory_path() / "slipway-generate-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  std::filesystem::path const folder{name};
  std::ofstream{folder / "0002_b.sql"} << "mine";
  EXPECT_THROW(write_files(folder, {{"0001_a.sql", "x"}, {"0002_b.sql", "y"}}), startup_error);
  EXPECT_FALSE(std::filesystem::exists(folder / "0001_a.sql"));
  EXPECT_EQ(std::filesystem::file_size(folder / "0002_b.sql"), 4u);
  EXPECT_EQ(write_files(folder, {{"0001_a.sql", "x"}}).size(), 1u);
  std::filesystem::remove_all(folder);
  EXPECT_FALSE(is_migration_name("Colors"));
  EXPECT_FALSE(is_migration_name("../x"));
  EXPECT_FALSE(is_migration_name(""));
  EXPECT_TRUE(is_migration_name("notes_get_colors2"));
}

}  // namespace
}  // namespace slipway::migrations
