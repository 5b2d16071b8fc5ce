// All engines: tables are made from models, the models change, the tables follow and go back.
#include "differences_case.hpp"
#include "shelf_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::migrations {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class differences_test : public differences_case {};
INSTANTIATE_TEST_SUITE_P(engines, differences_test, db::tests::all_engines(), db::tests::engine_name);

TEST_P(differences_test, tables_are_made_from_models_and_hold_their_rows) {
  auto const models = shelf::models_before();
  EXPECT_THAT(said(models),
              ElementsAre("books: there is a model and no table", "samples: there is a model and no table",
                          "authors: there is a model and no table"));
  EXPECT_EQ(follow("shelf", models), 1u);
  EXPECT_THAT(said(models), IsEmpty());
  EXPECT_EQ(follow("nothing", models), 0u);

  auto const author = shards_.run(db_->insert(shelf::before::author{.name = "Ada"}));
  auto const book = shards_.run(db_->insert(shelf::before::book{.author_id = author.id, .title = "One", .pages = 7}));
  EXPECT_FALSE(book.id.value.is_nil());
  EXPECT_THROW(shards_.run(db_->insert(shelf::before::book{.author_id = id_of<shelf::before::author>::make()})),
               db::constraint_error);
  auto const stored = shards_.run(db_->insert(shelf::before::sample{
      .natural = 4'000'000'000, .text = "ä", .genre = shelf::genre::poetry, .words = {"a"}, .numbers = {1, 2}}));
  EXPECT_GT(stored.id, 0);
  EXPECT_EQ(stored.natural, 4'000'000'000);
  EXPECT_THAT(stored.numbers, ElementsAre(1, 2));
  back(1);
  EXPECT_EQ(state().tables.size(), 1u);  // schema_migrations
}

TEST_P(differences_test, tables_follow_their_models_with_their_rows_and_go_back) {
  follow("shelf", shelf::models_before());
  auto const author = shards_.run(db_->insert(shelf::before::author{.name = "Ada"}));
  shards_.run(db_->insert(shelf::before::book{.author_id = author.id, .title = "One", .pages = 7, .remark = "r"}));
  auto const before = tables();

  auto const models = shelf::models_after();
  auto expected = std::vector<std::string>{"reviews: there is a model and no table",
                                           "books.editor_id: the model has it, the database does not",
                                           "books.remark: the model's member is optional, the column is NOT NULL",
                                           "books.genre: the model has it, the database does not",
                                           "authors.phone: the column may be null, the model's member may not"};
  for (auto const& line : expected) EXPECT_THAT(said(models), Contains(line));
  auto const is_wider = Contains(HasSubstr("books.pages: the column is int"));
  if (GetParam() == db::dialect::sqlite)
    EXPECT_THAT(said(models), testing::Not(is_wider));  // an INTEGER is an INTEGER
  else
    EXPECT_THAT(said(models), is_wider);

  auto const steps = follow("grown", models);
  EXPECT_THAT(said(models), IsEmpty());
  auto const row = shards_.run(db_->from<shelf::after::book>().one());
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->title, "One");
  EXPECT_EQ(row->pages, 7);
  EXPECT_EQ(row->remark, "r");
  EXPECT_EQ(row->genre, shelf::genre::poetry);
  EXPECT_EQ(row->quotation, "it's \"so\"");
  EXPECT_TRUE(row->lent);
  EXPECT_THAT(row->tags, IsEmpty());
  EXPECT_EQ(shards_.run(db_->from<shelf::after::author>().one())->phone, "none");
  shards_.run(db_->insert(shelf::after::review{.book_id = row->id, .text = "good"}));
  // The reference is one.
  auto wrong = *row;
  wrong.editor_id = id_of<shelf::after::author>::make();
  EXPECT_THROW((void)shards_.run(db_->update(wrong)), db::constraint_error);
  wrong.editor_id = id_of<shelf::after::author>{author.id.value};
  EXPECT_TRUE(shards_.run(db_->update(wrong)).has_value());

  back(steps);
  EXPECT_EQ(tables(), before);
  EXPECT_EQ(shards_.run(db_->from<shelf::before::book>().one())->title, "One");
}

TEST_P(differences_test, what_no_model_expresses_stays_as_it_is) {
  follow("shelf", shelf::models_before());
  auto const* const more =
      GetParam() == db::dialect::mysql
          ? "CREATE UNIQUE INDEX books_title ON books (title(100)); ALTER TABLE books ADD CONSTRAINT "
            "pages_positive CHECK (pages >= 0); ALTER TABLE books ALTER COLUMN remark SET DEFAULT 'x'"
      : GetParam() == db::dialect::postgres
          ? "CREATE UNIQUE INDEX books_title ON books (title); ALTER TABLE books ADD CONSTRAINT "
            "pages_positive CHECK (pages >= 0)"
          : "CREATE UNIQUE INDEX books_title ON books (title); CREATE VIEW titles AS SELECT title FROM "
            "books; CREATE TRIGGER none AFTER DELETE ON books BEGIN SELECT 1; END;";
  shards_.run(db_->script(more));
  EXPECT_THAT(said(shelf::models_before()), IsEmpty());
  // And survives when the table is changed, or made anew.
  follow("grown", shelf::models_after());
  EXPECT_THAT(said(shelf::models_after()), IsEmpty());
  auto const author = shards_.run(db_->insert(shelf::after::author{.name = "Ada"}));
  shelf::after::book const book{.author_id = author.id, .title = "One"};
  shards_.run(db_->insert(book));
  EXPECT_THROW(shards_.run(db_->insert(book)), db::constraint_error);
  if (GetParam() == db::dialect::sqlite) {
    EXPECT_EQ(number("SELECT count(*) FROM titles"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM pragma_foreign_keys WHERE foreign_keys = 1"), 1);
  } else {
    EXPECT_THROW(shards_.run(db_->insert(shelf::after::book{.author_id = author.id, .title = "Two", .pages = -1})),
                 db::constraint_error);
  }
}

TEST_P(differences_test, what_takes_data_away_waits_until_it_is_asked_for) {
  follow("grown", shelf::models_after());
  auto const without_reviews = db::models_of<shelf::before::book, shelf::before::sample, shelf::after::author>();
  EXPECT_THAT(said(without_reviews), Contains("reviews: there is a table and no model"));
  EXPECT_THAT(said(without_reviews), Contains(HasSubstr("books.lent: the database has it")));
  EXPECT_THAT(said(without_reviews), Contains(HasSubstr("books.remark: the column may be null")));
  EXPECT_THAT(said(without_reviews, {"reviews", "books.*"}), testing::Not(Contains(HasSubstr("reviews"))));
  follow("careful", without_reviews);
  // Everything is there still, and the program of now can insert.
  EXPECT_THAT(said(without_reviews), Contains("reviews: there is a table and no model"));
  auto const author = shards_.run(db_->insert(shelf::after::author{.name = "Ada"}));
  shards_.run(
      db_->insert(shelf::before::book{.author_id = id_of<shelf::before::author>{author.id.value}, .title = "One"}));

  auto steps = follow("bold", without_reviews, true);
  EXPECT_THAT(said(without_reviews), IsEmpty());
  EXPECT_EQ(number("SELECT count(*) FROM books"), 1);
  EXPECT_THROW(back(steps), startup_error);  // a table that was dropped
}

TEST_P(differences_test, a_column_of_another_kind_is_said_to_lose_what_it_holds) {
  follow("shelf", shelf::models_before());
  auto const* const other =
      GetParam() == db::dialect::sqlite
          ? "ALTER TABLE authors DROP COLUMN name; ALTER TABLE authors ADD COLUMN name INTEGER NOT NULL DEFAULT 0"
          : "ALTER TABLE authors DROP COLUMN name; ALTER TABLE authors ADD COLUMN name bigint NOT NULL DEFAULT 0";
  shards_.run(db_->script(other));
  auto const all = found(shelf::models_before());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].what, difference::kind::other_type);
  EXPECT_TRUE(all[0].is_destructive());
  EXPECT_THAT(describe(all[0]), HasSubstr("authors.name: the column is "));
  follow("careful", shelf::models_before());
  EXPECT_EQ(found(shelf::models_before()).size(), 1u);
  follow("bold", shelf::models_before(), true);
  EXPECT_THAT(said(shelf::models_before()), IsEmpty());
}

TEST_P(differences_test, a_rebuilt_table_keeps_the_rows_that_refer_to_it) {
  if (GetParam() != db::dialect::sqlite) GTEST_SKIP() << "the other engines change tables where they are";
  shards_.run(
      db_->script("CREATE TABLE authors (id BLOB PRIMARY KEY, name TEXT NOT NULL, phone TEXT) WITHOUT ROWID, STRICT;"
                  "CREATE TABLE pens (id INTEGER PRIMARY KEY, author BLOB NOT NULL REFERENCES authors (id) ON DELETE "
                  "CASCADE) STRICT;"
                  "INSERT INTO authors VALUES (zeroblob(16), 'Ada', NULL);"
                  "INSERT INTO pens VALUES (1, zeroblob(16));"));
  follow("strict", db::models_of<shelf::after::author>());
  EXPECT_EQ(number("SELECT count(*) FROM pens"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM authors WHERE phone = 'none'"), 1);
  EXPECT_THROW(shards_.run(db_->script("INSERT INTO pens VALUES (2, x'01')")), db::constraint_error);
}

TEST_P(differences_test, an_empty_database_has_no_tables) {
  auto const there = state();  // of an empty database
  EXPECT_TRUE(there.tables.empty());
  EXPECT_EQ(there.dialect, GetParam());
}

}  // namespace
}  // namespace slipway::migrations
