// What changes documents, and what refuses to.
#include "fixture.hpp"

#include <slipway/db/errors.hpp>

#include <thread>

namespace slipway::documents::tests {
namespace {

using testing::ElementsAre;

class document_changes : public people_on {};

TEST_P(document_changes, unique_indexes_name_what_was_violated) {
  auto first = make("Ann");
  first.nickname = "nick";
  first = run(people().insert(first));
  auto again = make("Other");
  again.email = first.email;
  auto const violated = [&](task<person> work) -> std::string {
    try {
      run(std::move(work));
    } catch (db::constraint_error const& e) {
      return e.name();
    }
    return "nothing";
  };
  EXPECT_EQ(violated(people().insert(again)), "unique(people.email)");
  again = make("Other");
  again.nickname = "nick";
  EXPECT_EQ(violated(people().insert(again)), "unique(people.nickname)");
  again = make("Other");
  again.id = first.id;
  EXPECT_EQ(violated(people().insert(again)), "unique(people.id)");
  // What lacks the member is in nobody's way.
  run(people().insert_many({make("x"), make("y")}));
  auto const taken = run(db::or_fault(people().insert([&] {
    auto p = make("Third");
    p.email = first.email;
    return p;
  }()),
                                      "unique(people.email)", fault::conflict("email_taken")));
  EXPECT_EQ(taken.error().code(), "email_taken");
}

TEST_P(document_changes, replaces_a_document_that_nobody_changed) {
  auto ann = run(people().insert(make("Ann")));
  auto const old = ann;
  clock_.advance(std::chrono::seconds{1});
  ann.name = "Ann King";
  ann.nickname = "queen";
  auto const stored = run(people().replace(ann));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->version, 2);
  EXPECT_EQ(stored->updated_at, clock_.now());
  EXPECT_EQ(stored->created_at, old.created_at);
  EXPECT_EQ(run(people().find(ann.id))->name, "Ann King");
  EXPECT_EQ(run(people().replace(old)).error().code(), "version_conflict");
  EXPECT_EQ(run(people().find(ann.id))->nickname, "queen");
  auto nobody = make("Nobody");
  nobody.id = id_of<person>::make();
  EXPECT_EQ(run(people().replace(nobody)).error().code(), "not_found");
}

TEST_P(document_changes, upsert_inserts_or_replaces) {
  auto ann = make("Ann");
  ann.id = id_of<person>::make();
  ann.nickname = "a";
  auto first = run(people().upsert(ann));
  EXPECT_EQ(first.version, 1);
  auto const created = first.created_at;
  clock_.advance(std::chrono::seconds{5});
  ann.nickname.reset();
  ann.tags = {"t"};
  auto second = run(people().upsert(ann));
  EXPECT_EQ(second.version, 2);
  EXPECT_EQ(second.created_at, created);
  EXPECT_EQ(second.updated_at, clock_.now());
  auto const found = *run(people().find(ann.id));
  EXPECT_EQ(found.nickname, std::nullopt);
  EXPECT_THAT(found.tags, ElementsAre("t"));
  EXPECT_EQ(run(people().all().count()), 1);
}

TEST_P(document_changes, changes_inside_of_documents) {
  auto ann = make("Ann", 30);
  ann.tags = {"a", "b", "a"};
  ann.numbers = {1, 2, 1};
  ann.nickname = "gone soon";
  ann.score = 0.1;
  ann.balance = *decimal<2>::parse("10.00");
  ann = run(people().insert(ann));
  clock_.advance(std::chrono::seconds{1});
  auto const now =
      run(people().update(ann.id, changes<person>()
                                      .set(col<&person::name>, "Ann \"King\" é")
                                      .set(col<&person::home, &address::city>, "Thun")
                                      .set(col<&person::work, &address::number>, 9)  // there was no such object
                                      .unset(col<&person::nickname>)
                                      .inc(col<&person::visits>, 5)
                                      .inc(col<&person::score>, 0.2)
                                      .inc(col<&person::balance>, *decimal<2>::parse("-2.55"))
                                      .push(col<&person::items>, item{"bread", *decimal<2>::parse("3.50")})
                                      .pull(col<&person::tags>, "a")
                                      .add_to_set(col<&person::numbers>, 2)
                                      .min(col<&person::age>, 20)
                                      .now(col<&person::seen_at>)));
  ASSERT_TRUE(now);
  EXPECT_EQ(now->name, "Ann \"King\" é");
  EXPECT_EQ(now->home.city, "Thun");
  EXPECT_EQ(now->home.number, 1);
  EXPECT_EQ(now->work->number, 9);
  EXPECT_EQ(now->nickname, std::nullopt);
  EXPECT_EQ(now->visits, 5);
  EXPECT_EQ(now->score, 0.1 + 0.2);
  EXPECT_EQ(now->balance.text(), "7.45");
  EXPECT_EQ(now->items.size(), 1u);
  EXPECT_THAT(now->tags, ElementsAre("b"));
  EXPECT_THAT(now->numbers, ElementsAre(1, 2, 1));
  EXPECT_EQ(now->age, 20);
  EXPECT_EQ(now->seen_at, clock_.now());
  EXPECT_EQ(now->version, 2);
  auto const more = run(people().update(ann.id, changes<person>()
                                                    .add_to_set(col<&person::numbers>, 3)
                                                    .max(col<&person::age>, 19)
                                                    .push(col<&person::tags>, "z")
                                                    .set(col<&person::extra>, json::value{{"k", {1, 2}}})));
  EXPECT_THAT(more->numbers, ElementsAre(1, 2, 1, 3));
  EXPECT_EQ(more->age, 20);
  EXPECT_THAT(more->tags, ElementsAre("b", "z"));
  EXPECT_EQ(more->extra.at("k").as_array().size(), 2u);
  EXPECT_EQ(run(people().find(ann.id))->version, 3);
  EXPECT_EQ(run(people().update(id_of<person>::make(), changes<person>().set(col<&person::name>, "x"))).error().code(),
            "not_found");
}

TEST_P(document_changes, a_sum_beyond_its_range_changes_nothing) {
  auto ann = make("Ann");
  ann.visits = INT64_MAX - 1;
  ann = run(people().insert(ann));
  EXPECT_THROW((void)run(people().update(ann.id, changes<person>().inc(col<&person::visits>, 2))), db::error);
  EXPECT_EQ(run(people().find(ann.id))->visits, INT64_MAX - 1);
  EXPECT_EQ(run(people().update(ann.id, changes<person>().inc(col<&person::visits>, 1)))->visits, INT64_MAX);
}

TEST_P(document_changes, changes_and_removes_many) {
  run(people().insert_many({make("a", 10), make("b", 20), make("c", 30)}));
  EXPECT_EQ(run(people().where(col<&person::age> > 10).update(changes<person>().inc(col<&person::age>, 1))), 2);
  EXPECT_THAT(names(col<&person::age> == 31), ElementsAre("c"));
  EXPECT_EQ(run(people().find(run(people().where(col<&person::name> == "c").one())->id))->version, 2);
  EXPECT_EQ(run(people().where(col<&person::age> < 25).remove()), 2);
  EXPECT_EQ(run(people().all().count()), 1);
  auto const left = *run(people().all().one());
  EXPECT_TRUE(run(people().remove(left.id)));
  EXPECT_EQ(run(people().remove(left.id)).error().code(), "not_found");
}

TEST_P(document_changes, a_place_is_changed_once) {
  auto const ann = run(people().insert(make("Ann")));
  EXPECT_THROW(
      (void)run(people().update(
          ann.id,
          changes<person>().set(col<&person::home>, address{"x", 1}).set(col<&person::home, &address::city>, "y"))),
      std::logic_error);
}

TEST_P(document_changes, many_changes_at_once_lose_none) {
  if (!has_atomic_changes()) GTEST_SKIP() << "SKIPPED LOUDLY: FerretDB loses changes that are made at the same time";
  auto const ann = run(people().insert(make("Ann")));
  constexpr int each = 20;
  auto const work = [](store& in, id_of<person> id) -> task<> {
    collection<person> people{in};
    for (int i = 0; i < each; ++i) {
      changes<person> by;
      (void)co_await people.update(id, std::move(by).inc(col<&person::visits>, 1));
    }
  };
  std::jthread other{[&] { shards_.run(work(*store_, ann.id), 1); }};
  run(work(*store_, ann.id));
  other.join();
  EXPECT_EQ(run(people().find(ann.id))->visits, 2 * each);
}

INSTANTIATE_TEST_SUITE_P(each, document_changes, all_stores(), name_of);

}  // namespace
}  // namespace slipway::documents::tests
