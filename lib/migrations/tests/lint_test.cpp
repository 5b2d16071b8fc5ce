#include <slipway/migrations/lint.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace slipway::migrations {
namespace {

using db::dialect;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<finding> findings(std::string const& sql, dialect d = dialect::postgres, std::string const& options = "") {
  auto const all = catalog_of({{"0001_a.sql", options + "-- up\n" + sql + "\n"}}, d);
  return lint(all.at(0), d);
}
std::vector<std::string> found(std::string const& sql, dialect d = dialect::postgres, std::string const& options = "") {
  std::vector<std::string> out;
  for (auto const& f : findings(sql, d, options)) out.push_back(std::to_string(f.line) + " " + f.rule);
  return out;
}

TEST(lint, every_rule_finds_what_it_is_for) {
  std::map<std::string, std::string> const planted{
      {"index-locks-writes", "CREATE INDEX i ON notes (title);"},
      {"concurrently-in-transaction", "CREATE INDEX CONCURRENTLY i ON notes (title);"},
      {"not-null-without-default", "ALTER TABLE notes ADD COLUMN color text NOT NULL;"},
      {"default-rewrites-table", "ALTER TABLE notes ADD token uuid DEFAULT gen_random_uuid();"},
      {"type-rewrites-table", "ALTER TABLE notes ALTER COLUMN size TYPE bigint;"},
      {"not-null-scans-table", "ALTER TABLE notes ALTER size SET NOT NULL;"},
      {"constraint-scans-table", "ALTER TABLE notes ADD CONSTRAINT f FOREIGN KEY (owner_id) REFERENCES users (id);"},
      {"unique-locks-table", "ALTER TABLE notes ADD CONSTRAINT u UNIQUE (title);"},
      {"drop-column", "ALTER TABLE notes DROP COLUMN color;"},
      {"drop-table", "DROP TABLE IF EXISTS notes;"},
      {"rename", "ALTER TABLE notes RENAME COLUMN color TO colour;"},
      {"all-rows-in-one-transaction", "UPDATE notes SET color = 'red';"},
      {"locks-whole-table", "VACUUM FULL notes;"},
      {"allow-without-reason", "-- lint: allow drop-table\nDROP TABLE notes;"},
  };
  for (auto const& [rule, sql] : planted) {
    auto const all = findings(sql);
    ASSERT_EQ(all.size(), 1u) << sql;
    EXPECT_EQ(all[0].rule, rule) << sql;
    EXPECT_FALSE(all[0].why.empty());
    EXPECT_FALSE(all[0].instead.empty());
  }
  std::vector<std::string> named;
  for (auto const& r : lint_rules())
    if (!planted.contains(std::string{r.name})) named.emplace_back(r.name);
  EXPECT_THAT(named, ElementsAre("alter-may-copy-table"));  // of MySQL alone
}

TEST(lint, what_a_migration_made_itself_is_nobodys_yet) {
  EXPECT_THAT(found("CREATE TABLE \"notes\" (id int, title text NOT NULL);\n"
                    "CREATE INDEX i ON notes (title);\n"
                    "ALTER TABLE public.notes ADD CONSTRAINT u UNIQUE (title), ALTER COLUMN id TYPE bigint;\n"
                    "UPDATE notes SET title = 'x';\n"
                    "DROP TABLE notes;"),
              IsEmpty());
}

TEST(lint, the_safe_ways_are_safe) {
  EXPECT_THAT(found("CREATE INDEX CONCURRENTLY i ON notes (title);", dialect::postgres, "-- no transaction\n"),
              IsEmpty());
  EXPECT_THAT(found("DROP INDEX CONCURRENTLY i;", dialect::postgres, "-- no transaction\n"), IsEmpty());
  EXPECT_THAT(
      found("ALTER TABLE notes DROP COLUMN color;\nDROP TABLE tags;", dialect::postgres, "-- after deployment\n"),
      IsEmpty());
  EXPECT_THAT(found("ALTER TABLE notes ADD COLUMN color text NOT NULL DEFAULT 'red', ADD COLUMN at timestamptz;\n"
                    "ALTER TABLE notes ADD CONSTRAINT c CHECK (color <> '') NOT VALID;\n"
                    "ALTER TABLE notes VALIDATE CONSTRAINT c;\n"
                    "ALTER TABLE notes ADD CONSTRAINT u UNIQUE USING INDEX i;\n"
                    "ALTER TABLE notes DROP CONSTRAINT old;\n"
                    "UPDATE notes SET color = 'blue' WHERE id = 5;\n"
                    "DELETE FROM notes WHERE color = 'x';"),
              IsEmpty());
}

TEST(lint, each_action_of_a_statement_is_seen_and_text_is_not) {
  EXPECT_THAT(found("ALTER TABLE notes -- RENAME\n  ADD COLUMN a text NOT NULL, /* DROP b */ DROP COLUMN c;\n"
                    "INSERT INTO log VALUES ('DROP TABLE notes');"),
              ElementsAre("2 not-null-without-default", "2 drop-column"));
  EXPECT_THAT(found("ALTER TABLE notes ADD COLUMN price numeric(10, 2) NOT NULL;"),
              ElementsAre("2 not-null-without-default"));
  EXPECT_THAT(found("ALTER TABLE notes ADD COLUMN price int CHECK (price IS NOT NULL OR size IS NOT NULL);"),
              ElementsAre());
}

TEST(lint, a_finding_is_allowed_with_a_reason_and_for_one_statement) {
  EXPECT_THAT(found("-- lint: allow drop-column, rename: nothing reads it since 2.3\n"
                    "ALTER TABLE notes DROP COLUMN a, RENAME COLUMN b TO c;\n"
                    "ALTER TABLE notes DROP COLUMN d;"),
              ElementsAre("4 drop-column"));
}

TEST(lint, sqlite_has_one_writer_anyway) {
  EXPECT_THAT(found("CREATE INDEX i ON notes (title);\nUPDATE notes SET color = 'red';", dialect::sqlite), IsEmpty());
  EXPECT_THAT(found("ALTER TABLE notes RENAME TO papers;", dialect::sqlite), ElementsAre("2 rename"));
}

TEST(lint, the_message_names_the_table_and_the_way) {
  auto const all = findings("CREATE UNIQUE INDEX i ON public.notes (title);");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].file, "0001_a.sql");
  EXPECT_EQ(all[0].line, 2u);
  EXPECT_THAT(all[0].instead, HasSubstr("CREATE UNIQUE INDEX CONCURRENTLY"));
}

}  // namespace
}  // namespace slipway::migrations
