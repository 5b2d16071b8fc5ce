#include <slipway/migrations/catalog.hpp>

#include <slipway/core/errors.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <fstream>

namespace slipway::migrations {
namespace {

using db::dialect;
using testing::AllOf;
using testing::HasSubstr;

constexpr auto good = "-- up\nCREATE TABLE a (b int);\n-- down\nDROP TABLE a;\n";

std::string refusal(std::vector<file> const& files, dialect d = dialect::sqlite) {
  try {
    catalog_of(files, d);
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::data);
    return e.what();
  }
  return "taken";
}

TEST(catalog, reads_sections_options_and_lines) {
  auto const all =
      catalog_of({{"0002_b.sql", "-- why it is so\n-- no transaction\n\n -- up \r\nCREATE INDEX i ON a (b);\r\n"},
                  {"0001_a.sql", "\xef\xbb\xbf-- up\nCREATE TABLE a (b int);\n\n-- down\nDROP TABLE a;"}},
                 dialect::postgres);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].version, 1);
  EXPECT_EQ(all[0].name, "a");
  EXPECT_EQ(all[0].up, "CREATE TABLE a (b int);\n\n");
  EXPECT_EQ(all[0].down, "DROP TABLE a;\n");
  EXPECT_EQ(all[0].up_line, 2u);
  EXPECT_EQ(all[0].down_line, 5u);
  EXPECT_TRUE(all[0].in_transaction);
  EXPECT_FALSE(all[0].after_deployment);
  EXPECT_EQ(all[1].version, 2);
  EXPECT_FALSE(all[1].in_transaction);
  EXPECT_FALSE(all[1].down);
  EXPECT_EQ(all[1].up_line, 5u);
}

TEST(catalog, a_file_for_the_dialect_replaces_the_common_one) {
  std::vector<file> files{{"0001_a.postgres.sql", "-- up\nselect 'p';"},
                          {"0001_a.sql", "-- up\nselect 'c';"},
                          {"0002_b.sqlite.sql", "-- up\nselect 's';"},
                          {"0002_b.postgres.sql", "-- up\nselect 'q';"}};
  for (int order = 0; order < 2; ++order) {
    auto const on_sqlite = catalog_of(files, dialect::sqlite), on_postgres = catalog_of(files, dialect::postgres);
    EXPECT_EQ(on_sqlite[0].up, "select 'c';\n");
    EXPECT_EQ(on_sqlite[1].up, "select 's';\n");
    EXPECT_EQ(on_sqlite[1].file, "0002_b.sqlite.sql");
    EXPECT_EQ(on_postgres[0].up, "select 'p';\n");
    EXPECT_EQ(on_postgres[1].up, "select 'q';\n");
    std::ranges::reverse(files);
  }
}

TEST(catalog, refuses_names_that_are_none) {
  for (auto const* name : {"1_a.sql", "0001.sql", "0001_.sql", "0001-a.sql", "0001_A.sql", "0001_a.oracle.sql",
                           "a_0001.sql", "0000_a.sql", "-001_a.sql", "0001_a.txt", "00000000001_a.sql"})
    EXPECT_THAT(refusal({{name, good}}), HasSubstr("not named like a migration")) << name;
}

TEST(catalog, refuses_gaps_and_repetitions) {
  EXPECT_THAT(refusal({{"0002_a.sql", good}}), HasSubstr("0001 is missing before 0002_a.sql"));
  EXPECT_THAT(refusal({{"0001_a.sql", good}, {"0003_c.sql", good}}), HasSubstr("0002 is missing"));
  EXPECT_THAT(refusal({{"0001_a.sql", good}, {"0001_b.sql", good}}),
              AllOf(HasSubstr("0001_b.sql"), HasSubstr("number of 0001_a.sql")));
  EXPECT_THAT(refusal({{"0001_a.sql", good}, {"0001_b.postgres.sql", good}}), HasSubstr("0001_b.postgres.sql"));
  EXPECT_THAT(refusal({{"0001_a.sql", good}, {"00001_a.sql", good}}), HasSubstr("twice"));
}

TEST(catalog, refuses_a_version_that_this_dialect_has_not) {
  EXPECT_THAT(refusal({{"0001_a.postgres.sql", good}}, dialect::sqlite),
              AllOf(HasSubstr("0001_a.postgres.sql"), HasSubstr("0001_a.sqlite.sql")));
}

TEST(catalog, refuses_bad_texts_with_their_line) {
  EXPECT_THAT(refusal({{"0001_a.sql", "CREATE TABLE a;\n-- up\nselect 1;"}}), HasSubstr("0001_a.sql:1: SQL before"));
  EXPECT_THAT(refusal({{"0001_a.sql", "-- up\n-- no transaction\nselect 1;"}}),
              HasSubstr("0001_a.sql:2: `-- no transaction` belongs above"));
  EXPECT_THAT(refusal({{"0001_a.sql", "-- down\nselect 1;"}}), HasSubstr("0001_a.sql:1"));
  EXPECT_THAT(refusal({{"0001_a.sql", ""}}), HasSubstr("no line `-- up`"));
  EXPECT_THAT(refusal({{"0001_a.sql", "-- up\n-- nothing\n"}}),
              HasSubstr("0001_a.sql:2: a section without a statement"));
  EXPECT_THAT(refusal({{"0001_a.sql", "-- up\nselect 1;\n-- down\n"}}),
              HasSubstr("0001_a.sql:4: a section without a statement"));
  EXPECT_THAT(refusal({{"0001_a.sql", "-- up\nselect 1;\n-- up\n"}}), HasSubstr("0001_a.sql:3: a second `-- up`"));
  EXPECT_THAT(refusal({{"0001_a.sql", "-- up\nselect 1;\n-- down\nselect 1;\n-- down\n"}}), HasSubstr("0001_a.sql:5"));
  EXPECT_THAT(refusal({{"0001_a.sql", "-- up\nselect 1;\n\nCOMMIT;\n"}}),
              HasSubstr("0001_a.sql:4: a migration begins and commits by itself"));
}

TEST(checksum, is_blind_to_what_editors_change) {
  auto const sum = checksum_of("a\nb");
  EXPECT_EQ(sum.size(), 64u);
  for (auto const* same : {"a\r\nb\r\n", "a  \nb\t", "a\nb\n\n\n"}) EXPECT_EQ(checksum_of(same), sum);
  for (auto const* other : {"a\n\nb", "a\n b", "ab", "A\nb"}) EXPECT_NE(checksum_of(other), sum) << other;
  EXPECT_EQ(checksum_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(checksum, covers_what_was_applied_and_not_the_way_back) {
  auto const sum = [](std::string text) {
    return catalog_of({{"0001_a.sql", std::move(text)}}, dialect::sqlite)[0].checksum;
  };
  auto const base = sum("-- up\nselect 1;\n-- down\nselect 2;\n");
  EXPECT_EQ(sum("-- up\r\nselect 1; \r\n-- down\r\nselect 3;\r\n"), base);
  EXPECT_EQ(sum("-- a remark\n-- up\nselect 1;\n"), base);
  EXPECT_NE(sum("-- up\nselect 2;\n-- down\nselect 2;\n"), base);
  EXPECT_NE(sum("-- no transaction\n-- up\nselect 1;\n"), base);
}

TEST(files, come_from_a_directory_and_from_the_binary) {
  auto const directory =
      std::filesystem::path{testing::TempDir()} / ("slipway_migration_files_" + std::to_string(::getpid()));
  std::filesystem::remove_all(directory);
  EXPECT_THROW(files_in(directory), startup_error);
  std::filesystem::create_directory(directory);
  std::ofstream{directory / "0002_b.sql"} << "b";
  std::ofstream{directory / "0001_a.sql"} << "a";
  std::ofstream{directory / "README.md"} << "not SQL";
  std::ofstream{directory / ".0003_c.sql.swp.sql"} << "an editor's";
  auto const found = files_in(directory);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "0001_a.sql");
  EXPECT_EQ(found[1].text, "b");
  std::filesystem::remove_all(directory);
  embedded_file const linked[] = {{"0001_a.sql", "a"}};
  EXPECT_EQ(files_of(linked)[0].text, "a");
}

TEST(catalog, repeatable_files_have_names_and_no_numbers) {
  std::vector<file> const files{{"repeatable_b.sql", "SELECT 1;"},
                                {"repeatable_a.postgres.sql", "SELECT 'p';"},
                                {"repeatable_b.postgres.sql", "SELECT 'p';"},
                                {"0001_a.sql", good}};
  auto const on_postgres = repeatables_of(files, dialect::postgres), on_sqlite = repeatables_of(files, dialect::sqlite);
  ASSERT_EQ(on_postgres.size(), 2u);
  EXPECT_EQ(on_postgres[0].name, "a");
  EXPECT_EQ(on_postgres[1].text, "SELECT 'p';");
  ASSERT_EQ(on_sqlite.size(), 1u);
  EXPECT_EQ(on_sqlite[0].text, "SELECT 1;");
  EXPECT_EQ(catalog_of(files, dialect::sqlite).size(), 1u);
  for (auto const& [name, text] :
       {std::pair{"repeatable_.sql", "SELECT 1;"}, std::pair{"repeatable_A.sql", "SELECT 1;"},
        std::pair{"repeatable_a.sql", "-- nothing"}, std::pair{"repeatable_a.sql", "COMMIT;"}})
    EXPECT_THROW(repeatables_of({{name, text}}, dialect::sqlite), startup_error) << name << text;
}

}  // namespace
}  // namespace slipway::migrations
