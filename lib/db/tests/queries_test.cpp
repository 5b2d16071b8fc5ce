// What a query can say beyond one table and its conditions: joins, groups, aggregates, subqueries, parts of JSON.
#include "fixture.hpp"

#include <slipway/db/errors.hpp>

namespace slipway::db::tests {
namespace {

using testing::ElementsAre;
using testing::FieldsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct author {
  std::string email;
  std::int64_t notes = 0;
  std::int64_t stars = 0;
};
BOOST_DESCRIBE_STRUCT(author, (), (email, notes, stars))

struct title_and_email {
  std::string title;
  std::optional<std::string> email;
};
BOOST_DESCRIBE_STRUCT(title_and_email, (), (title, email))

struct user_card {
  std::string email;
  id_of<user> id;
};
BOOST_DESCRIBE_STRUCT(user_card, (), (email, id))

class queries : public each_engine {
 protected:
  void SetUp() override {
    each_engine::SetUp();
    if (IsSkipped()) return;
    ann_ = run(db_->insert(user{.email = "ann", .tags = {"x"}, .home = {"Main Street", 7}}));
    bob_ = run(db_->insert(user{.email = "bob", .nickname = "Bobby", .home = {"Side \"Road\"", 12}}));
    eve_ = run(db_->insert(user{.email = "eve"}));
    run(db_->insert_many(std::vector<note>{{.owner_id = ann_.id, .title = "one", .stars = 1, .score = 0.5},
                                           {.owner_id = ann_.id, .title = "two", .pinned = true, .stars = 2, .rank = 4},
                                           {.owner_id = ann_.id, .title = "three", .stars = 3, .score = 1},
                                           {.owner_id = bob_.id, .title = "four", .pinned = true, .stars = 4}}));
  }
  auto titles(auto selection) {
    return run([](auto s) -> task<std::vector<std::string>> {
      std::vector<std::string> out;
      for (auto const& n : co_await s.all()) out.push_back(n.title);
      co_return out;
    }(std::move(selection)));
  }
  auto emails(auto selection) {
    return run([](auto s) -> task<std::vector<std::string>> {
      std::vector<std::string> out;
      for (auto const& n : co_await s.all()) out.push_back(n.email);
      co_return out;
    }(std::move(selection)));
  }
  user ann_, bob_, eve_;
};

constexpr auto owner_is_user = [] { return col<&note::owner_id> == col<&user::id>; };

TEST_P(queries, a_join_filters_and_gives_rows_of_the_first_table) {
  EXPECT_THAT(titles(db_->from<note>()
                         .where(col<&note::stars> > 1)
                         .join<user>(owner_is_user())
                         .where(col<&user::email> == "ann")
                         .order_by(asc<&note::title>)),
              ElementsAre("three", "two"));
  EXPECT_EQ(run(db_->from<note>().join<user>(owner_is_user()).where(col<&user::nickname>.is_not_null()).count()), 1);
  EXPECT_TRUE(run(db_->from<note>().join<user>(owner_is_user()).where(col<&user::email> == "bob").exists()));
  // Conditions over both at once, on either side of an "or".
  EXPECT_THAT(titles(db_->from<note>()
                         .join<user>(owner_is_user())
                         .where(col<&user::email> == "bob" || (col<&note::stars> == 1 && col<&user::email> == "ann"))
                         .order_by(asc<&note::title>)),
              ElementsAre("four", "one"));
}

TEST_P(queries, a_left_join_keeps_what_has_no_partner) {
  auto with = [&] { return db_->from<user>().left_join<note>(owner_is_user()); };
  EXPECT_EQ(run(with().count()), 5);
  EXPECT_THAT(emails(with().where(absent<note>())), ElementsAre("eve"));
  auto const all = run(db_->from<user>()
                           .left_join<note>(col<&note::owner_id> == col<&user::id> && col<&note::pinned> == true)
                           .order_by(asc<&user::email>)
                           .select<title_and_email>(col<&user::email>, col<&note::title>)
                           .all());
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].email, "four");
  EXPECT_EQ(all[2].email, std::nullopt);
}

TEST_P(queries, rows_marked_as_deleted_take_part_in_no_join) {
  run(db_->remove(ann_));
  EXPECT_THAT(titles(db_->from<note>().join<user>(owner_is_user())), ElementsAre("four"));
  EXPECT_EQ(run(db_->from<note>().join<user>(owner_is_user()).with_deleted().count()), 4);
  EXPECT_EQ(run(db_->from<note>().left_join<user>(owner_is_user()).where(absent<user>()).count()), 3);
}

TEST_P(queries, a_table_joins_itself_under_another_name) {
  auto const pairs = run(db_->from<note>()
                             .join<note, "better">(col<&note::owner_id> == col<&note::owner_id, "better"> &&
                                                   col<&note::stars> < col<&note::stars, "better">)
                             .order_by(asc<&note::stars>)
                             .count());
  EXPECT_EQ(pairs, 3);
}

TEST_P(queries, groups_and_their_aggregates) {
  auto by_author = [&] { return db_->from<user>().join<note>(owner_is_user()).group_by(col<&user::email>); };
  EXPECT_THAT(run(by_author()
                      .order_by(count().desc())
                      .select<author>(col<&user::email>, count(), sum(col<&note::stars>))
                      .all()),
              ElementsAre(FieldsAre("ann", 3, 6), FieldsAre("bob", 1, 4)));
  EXPECT_THAT(run(by_author()
                      .having(count() > 1 && sum(col<&note::stars>) < 100)
                      .select<author>(col<&user::email>, count_distinct(col<&note::pinned>), max(col<&note::stars>))
                      .all()),
              ElementsAre(FieldsAre("ann", 2, 3)));
  EXPECT_THAT(run(by_author()
                      .having(min(col<&note::stars>) == 4)
                      .select<author>(col<&user::email>, count(col<&note::rank>), min(col<&note::stars>))
                      .all()),
              ElementsAre(FieldsAre("bob", 0, 4)));
  EXPECT_EQ(run(by_author().count()), 2);  // groups
  EXPECT_TRUE(run(by_author().having(count() == 3).exists()));
  EXPECT_FALSE(run(by_author().having(count() == 33).exists()));
}

TEST_P(queries, aggregates_over_all_rows) {
  auto all = [&] { return db_->from<note>(); };
  auto none = [&] { return db_->from<note>().where(col<&note::stars> > 100); };
  EXPECT_EQ(run(all().sum(col<&note::stars>)), 10);
  EXPECT_EQ(run(all().sum(col<&note::score>)), 1.5);
  EXPECT_EQ(run(all().avg(col<&note::stars>)), 2.5);
  EXPECT_EQ(run(all().min(col<&note::title>)), "four");
  EXPECT_EQ(run(all().max(col<&note::rank>)), 4);
  EXPECT_EQ(run(none().sum(col<&note::stars>)), 0);
  EXPECT_EQ(run(none().avg(col<&note::stars>)), std::nullopt);
  EXPECT_EQ(run(none().max(col<&note::title>)), std::nullopt);
}

TEST_P(queries, columns_by_name_and_single_columns) {
  auto const cards = run(db_->from<user>().where(col<&user::email> == "bob").select<user_card>().all());
  ASSERT_EQ(cards.size(), 1u);
  EXPECT_EQ(cards[0].email, "bob");
  EXPECT_EQ(cards[0].id, bob_.id);
  EXPECT_THAT(run(db_->from<note>().order_by(desc<&note::stars>).limit(2).pluck(col<&note::title>)),
              ElementsAre("four", "three"));
  EXPECT_THAT(run(db_->from<note>().distinct().pluck(col<&note::pinned>)), UnorderedElementsAre(true, false));
  EXPECT_THAT(run(db_->from<note>().order_by(asc<&note::rank>).pluck(col<&note::rank>)),
              ElementsAre(4, std::nullopt, std::nullopt, std::nullopt));
  EXPECT_EQ(run(db_->from<user>().select<user_card>().first()).has_value(), true);
}

TEST_P(queries, nulls_first_when_it_is_said) {
  auto const ranks = [&](order<note> o) { return run(db_->from<note>().order_by(o).pluck(col<&note::rank>)); };
  EXPECT_THAT(ranks(asc<&note::rank>.nulls_first()), ElementsAre(std::nullopt, std::nullopt, std::nullopt, 4));
  EXPECT_EQ(ranks(desc<&note::rank>.nulls_first())[3], 4);
  std::vector<std::string> seen;
  std::string cursor;
  do {
    auto p = run(db_->from<note>().order_by(desc<&note::rank>.nulls_first(), asc<&note::stars>).page(cursor, 1));
    ASSERT_TRUE(p);
    for (auto const& n : p->items) seen.push_back(n.title);
    cursor = p->next;
  } while (!cursor.empty() && seen.size() < 10);
  EXPECT_THAT(seen, ElementsAre("one", "three", "four", "two"));
}

TEST_P(queries, pages_of_a_join) {
  auto page = [&](std::string const& cursor) {
    return run(db_->from<note>()
                   .join<user>(owner_is_user())
                   .where(col<&user::email>.in({"ann", "bob"}) && col<&note::stars> > 0)
                   .order_by(desc<&note::stars>)
                   .page(cursor, 3));
  };
  auto const first = page("");
  ASSERT_TRUE(first);
  auto const second = page(first->next);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->items.size() + second->items.size(), 4u);
  EXPECT_EQ(second->items[0].title, "one");
}

TEST_P(queries, conditions_of_all_kinds) {
  auto const where = [&](condition<note> c) {
    return titles(db_->from<note>().where(std::move(c)).order_by(asc<&note::stars>));
  };
  EXPECT_THAT(where(col<&note::stars>.between(2, 3)), ElementsAre("two", "three"));
  EXPECT_THAT(where(col<&note::title>.ends_with("E")), ElementsAre("one", "three"));
  EXPECT_THAT(where(col<&note::title>.like("T_o")), ElementsAre("two"));
  EXPECT_THAT(where(!col<&note::title>.in({"one", "two"})), ElementsAre("three", "four"));
  EXPECT_THAT(where(col<&note::score> == col<&note::stars>), IsEmpty());
  EXPECT_THAT(where(col<&note::rank> > col<&note::stars>), ElementsAre("two"));
}

TEST_P(queries, subqueries) {
  EXPECT_THAT(emails(db_->from<user>().where(
                  col<&user::id>.in(db_->from<note>().where(col<&note::stars> > 3).only(col<&note::owner_id>)) &&
                  col<&user::email> != "eve")),
              ElementsAre("bob"));
  auto const has_pinned = [] { return exists<note>(owner_is_user() && col<&note::pinned> == true); };
  EXPECT_EQ(run(db_->from<user>().where(has_pinned()).count()), 2);
  EXPECT_THAT(emails(db_->from<user>().where(!has_pinned())), ElementsAre("eve"));
  EXPECT_THAT(emails(db_->from<user>().where(has_pinned() && !exists<note>(owner_is_user() && col<&note::stars> == 1))),
              ElementsAre("bob"));
  // In changes as well.
  EXPECT_EQ(run(db_->update<user>()
                    .set(col<&user::nickname>, "busy")
                    .where(exists<note>(owner_is_user() && col<&note::stars> >= 3))
                    .run()),
            2);
  // The best note of each owner: nobody of the same owner has more stars.
  EXPECT_THAT(titles(db_->from<note>()
                         .where(!exists<note, "other">(col<&note::owner_id, "other"> == col<&note::owner_id> &&
                                                       col<&note::stars, "other"> > col<&note::stars>))
                         .order_by(asc<&note::title>)),
              ElementsAre("four", "three"));
}

TEST_P(queries, pages_with_a_subquery_have_cursors_that_other_processes_understand) {
  auto const page = [&](std::string const& cursor) {
    return run(db_->from<note>()
                   .where(col<&note::owner_id>.in(db_->from<user>().only(col<&user::id>)))
                   .order_by(asc<&note::stars>)
                   .page(cursor, 3));
  };
  auto const first = page("");
  ASSERT_TRUE(first);
  EXPECT_EQ(page(first->next)->items[0].title, "four");
}

TEST_P(queries, parts_of_json_columns) {
  auto const found = [&](condition<user> c) {
    return emails(db_->from<user>().where(std::move(c)).order_by(asc<&user::email>));
  };
  EXPECT_THAT(found(col<&user::home>.get<&address::street>() == "Main Street"), ElementsAre("ann"));
  EXPECT_THAT(found(col<&user::home>.get<&address::street>() == "Side \"Road\""), ElementsAre("bob"));
  EXPECT_THAT(found(col<&user::home>.get<&address::number>() >= 7), ElementsAre("ann", "bob"));
  EXPECT_THAT(found(col<&user::home>.at<std::string>("street") != "Main Street"), ElementsAre("bob", "eve"));
  EXPECT_THAT(found(col<&user::home>.at<std::string>("nothing").is_null()), ElementsAre("ann", "bob", "eve"));
  EXPECT_THAT(found(col<&user::home>.at<std::string>("number").is_null()),
              ElementsAre("ann", "bob", "eve"));  // no text
  EXPECT_THAT(found(col<&user::tags>.at<std::string>(0) == "x"), ElementsAre("ann"));
  EXPECT_THAT(found(col<&user::home>.at<bool>("street") == true), IsEmpty());
  EXPECT_THAT(emails(db_->from<user>().order_by(col<&user::home>.get<&address::number>().desc())),
              ElementsAre("bob", "ann", "eve"));
  EXPECT_THROW(col<&user::home>.at<std::string>("a'b"), value_error);
  EXPECT_THROW(col<&user::home>.at<std::string>("a\"b"), value_error);
  EXPECT_THROW(col<&user::home>.at<std::string>("a\\b"), value_error);
  EXPECT_THROW(col<&user::home>.at<std::string>(""), value_error);
}

TEST_P(queries, statements_by_hand_into_structs) {
  auto const rows = run(db_->query_as<author>(
      "select u.email, count(*) as notes, max(n.stars) as stars from users u join notes n on n.owner_id = u.id "
      "where n.stars > $1 group by u.email order by u.email",
      {1}));
  EXPECT_THAT(rows, ElementsAre(FieldsAre("ann", 2, 3), FieldsAre("bob", 1, 4)));
  auto const refusal = [&](std::string sql) -> std::string {
    try {
      run(db_->query_as<author>(std::move(sql)));
    } catch (value_error const& e) {
      return e.what();
    }
    return "nothing";
  };
  EXPECT_EQ(refusal("select email from users"),
            "the statement gives the columns email; author needs email, notes, stars (missing: notes, stars)");
  EXPECT_EQ(
      refusal("select email, 1 as notes, 2 as stars, 3 as more from users where 1 = 0"),
      "the statement gives the columns email, notes, stars, more; author needs email, notes, stars (unknown: more)");
  EXPECT_EQ(refusal("select email, nickname as notes, 2 as stars from users order by email desc"),
            "the column notes holds null, not an integer");
}

TEST_P(queries, many_shapes_are_not_confused) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(run(db_->from<note>().join<user>(owner_is_user()).where(col<&user::email> == "ann").count()), 3);
    EXPECT_EQ(run(db_->from<note>().join<user>(owner_is_user()).where(col<&user::email> > "ann").count()), 1);
    EXPECT_EQ(run(db_->from<note>().left_join<user>(owner_is_user()).where(col<&user::email> > "ann").count()), 1);
    EXPECT_EQ(run(db_->from<note>().distinct().count()), 4);
    EXPECT_EQ(run(db_->from<note>().count()), 4);
  }
}

INSTANTIATE_TEST_SUITE_P(engines, queries, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::db::tests
