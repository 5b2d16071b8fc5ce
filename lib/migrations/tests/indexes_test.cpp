// All engines: the indexes and unique keys that models promise, made and taken back.
#include "differences_case.hpp"
#include "reader_models.hpp"

#include <gmock/gmock.h>

namespace slipway::migrations {
namespace {

using shelf::after::reader;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using before_reader = shelf::before::reader;

// Its columns are called like what comes before a condition.
struct plain_visit {
  id_of<plain_visit> id;
  std::string name;
  std::optional<std::string> elsewhere, where, where_from;
};
BOOST_DESCRIBE_STRUCT(plain_visit, (), (id, name, elsewhere, where, where_from))
struct visit {
  id_of<visit> id;
  std::string name;
  std::optional<std::string> elsewhere, where, where_from;
};
BOOST_DESCRIBE_STRUCT(visit, (), (id, name, elsewhere, where, where_from))

}  // namespace
}  // namespace slipway::migrations

template <>
inline constexpr auto slipway::db::table_of<slipway::migrations::plain_visit> =
    table<slipway::migrations::plain_visit>("visits");
template <>
inline constexpr auto slipway::db::table_of<slipway::migrations::visit> =
    table<slipway::migrations::visit>("visits")
        .unique(&migrations::visit::name, where_null(&migrations::visit::elsewhere))
        .index(&migrations::visit::where, where_not_null(&migrations::visit::where))
        .unique(&migrations::visit::where, &migrations::visit::name, where_not_null(&migrations::visit::where_from));

namespace slipway::migrations {
namespace {

class indexes_test : public differences_case {
 protected:
  static db::models before() { return db::models_of<shelf::before::author, before_reader>(); }
  static db::models after() { return db::models_of<shelf::before::author, reader>(); }

  reader someone(std::string email, std::int64_t card) {
    if (author_.value.is_nil()) author_ = shards_.run(db_->insert(shelf::before::author{.name = "Ada"})).id;
    return {.email = std::move(email), .branch = "north", .card = card, .name = "Eve", .favourite = author_};
  }
  std::string violated_by(reader const& row) {
    try {
      shards_.run(db_->insert(row));
    } catch (db::constraint_error const& e) {
      return e.name();
    }
    return "nothing";
  }
  // Every promise is one, under the name that the traits give it.
  void expect_promises_kept() {
    auto const first = someone("eve@example.com", 1);
    EXPECT_EQ(violated_by(first), "nothing");
    auto other = someone("eve@example.com", 2);
    other.name = "Mallory";
    EXPECT_EQ(violated_by(other), (db::unique_key<&reader::email>));
    other.email = "mallory@example.com";
    other.card = 1;
    EXPECT_EQ(violated_by(other), (db::unique_key<&reader::branch, &reader::card>));
    other.card = 2;
    other.name = "Eve";
    EXPECT_EQ(violated_by(other), (db::unique_key<&reader::name>));
    other.left_at = time_point{std::chrono::hours{1}};
    EXPECT_EQ(violated_by(other), "nothing") << "who has left does not count";
    auto third = other;
    third.id = {};
    third.email = "third@example.com";
    third.card = 3;
    EXPECT_EQ(violated_by(third), "nothing");
  }
  std::vector<std::string> index_names() {
    std::vector<std::string> out;
    auto const all = state();
    for (auto const& index : all.find("readers")->indexes) out.push_back(index.name);
    return out;
  }

  id_of<shelf::before::author> author_;
};
INSTANTIATE_TEST_SUITE_P(engines, indexes_test, db::tests::all_engines(), db::tests::engine_name);

TEST_P(indexes_test, promises_are_made_with_the_table) {
  EXPECT_EQ(follow("readers", after()), 1u);
  EXPECT_THAT(said(after()), IsEmpty());
  expect_promises_kept();
  EXPECT_EQ(follow("nothing", after()), 0u);
  back(1);
}

TEST_P(indexes_test, promises_come_to_a_table_that_is_there_and_go_back) {
  follow("readers", before());
  auto const made = tables();
  auto const names = index_names();
  EXPECT_THAT(
      said(after()),
      ElementsAre("readers (email): the model says that it is unique, the database does not",
                  "readers (branch, card): the model says that it is unique, the database does not",
                  "readers (name) where left_at is null: the model says that it is unique, the database does not",
                  "readers (favourite, joined_at): the model has an index, the database does not",
                  "readers (joined_at) where left_at is null: the model has an index, the database does not"));
  EXPECT_THAT(said(after(), {"readers.*"}), IsEmpty());
  auto const steps = follow("kept", after());
  EXPECT_THAT(said(after()), IsEmpty());
  EXPECT_THAT(said(before()), IsEmpty()) << "an index that no model promises is the schema's business";
  expect_promises_kept();
  shards_.run(db_->purge<reader>().where(db::col<&reader::card> > 0).run());
  back(steps);
  EXPECT_EQ(tables(), made);
  // MySQL keeps one for its foreign key, whichever.
  if (GetParam() != db::dialect::mysql) EXPECT_EQ(index_names(), names);
  EXPECT_EQ(said(after()).size(), 5u);
  shards_.run(migrator{*db_, files_}.up());
  EXPECT_THAT(said(after()), IsEmpty());
}

TEST_P(indexes_test, what_is_there_twice_is_counted_and_nothing_is_begun) {
  follow("readers", before());
  auto const author = shards_.run(db_->insert(shelf::before::author{.name = "Ada"}));
  for (std::int64_t card = 1; card <= 3; ++card)
    shards_.run(db_->insert(before_reader{.email = card < 3 ? "eve@example.com" : "ada@example.com",
                                          .branch = "north",
                                          .card = card,
                                          .name = std::to_string(card),
                                          .favourite = author.id}));
  auto const models = after();
  auto const there = state();
  auto all = found(models);
  shards_.run(count_duplicates(*db_, there, all));
  ASSERT_EQ(all.size(), 5u);
  EXPECT_THAT(describe(all[0]), HasSubstr("; 1 values are there more than once, settle them first: SELECT \"email\""));
  EXPECT_EQ(all[1].duplicates, 0);

  std::vector<engine_view> const engines{
      {.dialect = GetParam(), .found = all, .state = &there, .found_on = GetParam()}};
  auto const made = migration_files("kept", next_number(files_, GetParam()), models, engines, false);
  files_.insert(files_.end(), made.begin(), made.end());
  try {
    shards_.run(migrator{*db_, files_}.up());
    ADD_FAILURE() << "the same address twice was taken for unique";
  } catch (startup_error const& e) {
    EXPECT_THAT(e.what(), testing::AnyOf(HasSubstr("readers (email) is not unique yet"), HasSubstr("readers.email"),
                                         HasSubstr("Duplicate entry"), HasSubstr("duplicate entry")));
  }
  for (auto const& name : index_names()) EXPECT_THAT(name, testing::Not(HasSubstr("email")));
  shards_.run(db_->script("UPDATE readers SET email = 'second@example.com' WHERE card = 2"));
  EXPECT_NO_THROW(shards_.run(migrator{*db_, files_}.up()));
  EXPECT_THAT(said(after()), IsEmpty());
}

TEST_P(indexes_test, an_index_counts_for_what_it_does_whatever_it_is_called) {
  follow("readers", before());
  shards_.run(db_->script(GetParam() == db::dialect::mysql
                              ? "CREATE INDEX readers_email_key ON readers (name(10)); "
                                "CREATE UNIQUE INDEX mail ON readers (email(20)); "
                                "CREATE UNIQUE INDEX cards ON readers (branch(100), card); "
                                "CREATE INDEX favourites ON readers (favourite, joined_at, card)"
                              : "CREATE INDEX readers_email_key ON readers (name); "
                                "CREATE UNIQUE INDEX mail ON readers (email) WHERE card > 0; "
                                "CREATE UNIQUE INDEX cards ON readers (card, branch); "
                                "CREATE INDEX favourites ON readers (favourite, joined_at, card)"));
  // Of a part of the rows, of a part of the text, in another order: none of these is the promise.
  EXPECT_THAT(said(after()), ElementsAre(HasSubstr("readers (email)"), HasSubstr("readers (branch, card)"),
                                         HasSubstr("readers (name)"), HasSubstr("readers (joined_at)")));
  follow("kept", after());
  EXPECT_THAT(said(after()), IsEmpty());
  EXPECT_THAT(index_names(), testing::Contains("readers_email_key_2"));
}

TEST_P(indexes_test, a_condition_may_be_about_a_column_whose_name_has_a_keyword_in_it) {
  auto const visits = db::models_of<visit>();
  follow("visits", visits);
  EXPECT_THAT(said(visits), IsEmpty());
  back(1);
  files_.clear();
  follow("visits", db::models_of<plain_visit>());
  EXPECT_EQ(said(visits).size(), 3u);
  follow("kept", visits);
  EXPECT_THAT(said(visits), IsEmpty());
}

TEST_P(indexes_test, what_failed_half_way_is_made_again) {
  if (GetParam() != db::dialect::postgres) GTEST_SKIP() << "only PostgreSQL leaves an index behind that is not valid";
  follow("readers", before());
  shards_.run(db_->script("CREATE UNIQUE INDEX readers_email_key ON readers (email)"));
  shards_.run(db_->script("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'readers_email_key'::regclass"));
  EXPECT_THAT(said(after()), testing::Contains(HasSubstr("readers (email)")));
  follow("kept", after());
  EXPECT_THAT(said(after()), IsEmpty());
  expect_promises_kept();
}

TEST_P(indexes_test, a_table_in_parts_keeps_promises_too) {
  using shelf::after::loan;
  auto const later = db::models_of<loan>();
  auto const make_part = [&] {
    if (GetParam() == db::dialect::postgres)
      shards_.run(db_->script("CREATE TABLE loans_rest PARTITION OF loans DEFAULT"));
  };
  follow("loans", db::models_of<shelf::before::loan>());
  make_part();
  EXPECT_EQ(said(later).size(), 2u);
  auto const steps = follow("kept", later);
  EXPECT_THAT(said(later), IsEmpty());
  shards_.run(db_->insert(loan{.card = 1}));
  try {
    shards_.run(db_->insert(loan{.card = 1}));
    ADD_FAILURE() << "the same twice";
  } catch (db::constraint_error const& e) {
    EXPECT_EQ(e.name(), (db::unique_key<&loan::card, &loan::at>));
  }
  back(steps + 1);
  files_.clear();
  follow("new", later);
  EXPECT_THAT(said(later), IsEmpty());
}

TEST_P(indexes_test, a_new_column_can_be_unique) {
  follow("readers", before());
  auto const author = shards_.run(db_->insert(shelf::before::author{.name = "Ada"}));
  for (std::int64_t card = 1; card <= 2; ++card)
    shards_.run(db_->insert(before_reader{
        .email = std::to_string(card), .branch = "north", .card = card, .name = "Eve", .favourite = author.id}));
  auto const models = db::models_of<shelf::before::author, shelf::after::reader_with_key>();
  auto const there = state();
  auto all = found(models);
  EXPECT_NO_THROW(shards_.run(count_duplicates(*db_, there, all)));
  auto const steps = follow("keys", models);
  EXPECT_THAT(said(models), IsEmpty());
  back(steps);
}

}  // namespace
}  // namespace slipway::migrations
