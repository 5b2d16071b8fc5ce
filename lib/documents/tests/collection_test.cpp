#include "fixture.hpp"

#include <slipway/db/errors.hpp>

#include <semaphore>
#include <set>
#include <thread>

namespace slipway::documents::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class documents_on : public each_store {
 protected:
  std::vector<std::string> names(filter<person> f) {
    auto found = run(people().where(std::move(f)).order_by(asc<&person::name>).all());
    std::vector<std::string> out;
    for (auto const& each : found) out.push_back(each.name);
    return out;
  }
  collection<person> people() { return collection<person>{*store_}; }
  collection<setting> settings() { return collection<setting>{*store_}; }
};

TEST_P(documents_on, every_type_comes_back_as_it_was) {
  auto in = make("Ann");
  in.nickname = "an'n\"\\ \u00e9\U0001F600";
  in.level = level::admin;
  in.visits = 9'007'199'254'740'993;  // beyond what a double holds
  in.score = 0.1 + 0.2;
  in.active = true;
  in.balance = decimal<2>::units(9'007'199'254'740'993);
  in.spent = std::chrono::milliseconds{-1500};
  in.work = address{"Basel", 7};
  in.tags = {"a", "", "c"};
  in.numbers = {3, -1, 2};
  in.items = {{"bread", *decimal<2>::parse("3.50")}};
  in.counts = {{"x", 1}, {"y-z", -2}};
  in.extra = json::value{{"deep", {{"list", {1, 2.5, "three", nullptr, true}}}}, {"big", INT64_MAX}};
  in.photo.data = std::string{"\0\xff\x01", 3};
  in.friend_id = make_uuid7();
  in.seen_at = time_point{std::chrono::microseconds{1'777'777'777'123'456}};
  auto const stored = run(people().insert(in));
  EXPECT_FALSE(stored.id.is_nil());
  auto const out = *run(people().find(stored.id));
  EXPECT_EQ(out.nickname, in.nickname);
  EXPECT_EQ(out.level, in.level);
  EXPECT_EQ(out.visits, in.visits);
  EXPECT_EQ(out.score, in.score);
  EXPECT_TRUE(out.active);
  EXPECT_EQ(out.balance, in.balance);
  EXPECT_EQ(out.spent, in.spent);
  EXPECT_EQ(out.born, in.born);
  EXPECT_EQ(out.work->city, "Basel");
  EXPECT_EQ(out.tags, in.tags);
  EXPECT_EQ(out.numbers, in.numbers);
  EXPECT_EQ(out.items[0].price.text(), "3.50");
  EXPECT_EQ(out.counts, in.counts);
  EXPECT_EQ(out.extra, in.extra);
  EXPECT_EQ(out.photo, in.photo);
  EXPECT_EQ(out.friend_id, in.friend_id);
  EXPECT_EQ(out.seen_at, in.seen_at);
  EXPECT_EQ(out.version, 1);
  EXPECT_EQ(out.created_at, clock_.now());
  EXPECT_EQ(out.id, stored.id);

  // And are compared by their types.
  EXPECT_THAT(names(col<&person::visits> > 9'007'199'254'740'992), ElementsAre("Ann"));
  EXPECT_THAT(names(col<&person::visits> > 9'007'199'254'740'993), IsEmpty());
  EXPECT_THAT(names(col<&person::balance> == in.balance), ElementsAre("Ann"));
  EXPECT_THAT(names(col<&person::friend_id> == in.friend_id), ElementsAre("Ann"));
  EXPECT_THAT(names(col<&person::seen_at> <= *in.seen_at), ElementsAre("Ann"));
  EXPECT_THAT(names(col<&person::seen_at> < *in.seen_at), IsEmpty());
  EXPECT_THAT(names(col<&person::level> == level::admin), ElementsAre("Ann"));
  EXPECT_THAT(names(col<&person::nickname> == in.nickname), ElementsAre("Ann"));
  EXPECT_THAT(names(col<&person::born> < std::chrono::year{2001} / 1 / 1), ElementsAre("Ann"));
  EXPECT_THAT(names(col<&person::id> == stored.id), ElementsAre("Ann"));
}

TEST_P(documents_on, filters_of_all_kinds) {
  std::vector<person> all{make("Ann", 20), make("Ben", 30, "Basel"), make("Cleo", 40), make("Dan", 50, "Basel")};
  all[0].tags = {"new", "x"};
  all[1].nickname = "Benny";
  all[2].active = true;
  all[3].work = address{"Bern", 3};
  run(people().insert_many(all));
  auto const age = col<&person::age>;
  auto const city = col<&person::home, &address::city>;
  EXPECT_THAT(names(age > 20 && age < 50), ElementsAre("Ben", "Cleo"));
  EXPECT_THAT(names(age >= 20 && age <= 30), ElementsAre("Ann", "Ben"));
  EXPECT_THAT(names(age == 20 || city == "Basel"), ElementsAre("Ann", "Ben", "Dan"));
  EXPECT_THAT(names(!(age == 20 || city == "Basel")), ElementsAre("Cleo"));
  EXPECT_THAT(names(age != 20), ElementsAre("Ben", "Cleo", "Dan"));
  EXPECT_THAT(names(age.in({20, 50, 99})), ElementsAre("Ann", "Dan"));
  EXPECT_THAT(names(age.in(std::vector<int>{})), IsEmpty());
  EXPECT_THAT(names(!age.in({20, 50})), ElementsAre("Ben", "Cleo"));
  EXPECT_THAT(names(col<&person::tags>.contains("new")), ElementsAre("Ann"));
  EXPECT_THAT(names(!col<&person::tags>.contains("new")), ElementsAre("Ben", "Cleo", "Dan"));
  EXPECT_THAT(names(col<&person::active> == true), ElementsAre("Cleo"));
  EXPECT_THAT(names(col<&person::nickname>.exists()), ElementsAre("Ben"));
  EXPECT_THAT(names(col<&person::nickname> == std::nullopt), ElementsAre("Ann", "Cleo", "Dan"));
  EXPECT_THAT(names(col<&person::work, &address::city> == "Bern"), ElementsAre("Dan"));
  EXPECT_THAT(names(city.starts_with("Ba")), ElementsAre("Ben", "Dan"));
  EXPECT_THAT(names(city.starts_with("ba")), IsEmpty());
  EXPECT_THAT(names(city.starts_with("B.")), IsEmpty());  // no pattern
  EXPECT_THAT(names(city == "x' or '1' = '1"), IsEmpty());
  EXPECT_THAT(names(everything<person>()), ElementsAre("Ann", "Ben", "Cleo", "Dan"));
  EXPECT_EQ(run(people().where(age > 20).count()), 3);
  EXPECT_TRUE(run(people().where(age > 40).exists()));
  EXPECT_FALSE(run(people().where(age > 50).exists()));
}

TEST_P(documents_on, what_is_missing_is_different_from_every_value) {
  auto with = make("With");
  with.nickname = "nick";
  run(people().insert_many({with, make("Without")}));
  auto const nickname = col<&person::nickname>;
  EXPECT_THAT(names(nickname != "nick"), ElementsAre("Without"));
  EXPECT_THAT(names(nickname != "other"), ElementsAre("With", "Without"));
  EXPECT_THAT(names(nickname < "z"), ElementsAre("With"));
  EXPECT_THAT(names(!(nickname < "a")), ElementsAre("With", "Without"));
  EXPECT_THAT(names(!(nickname < "z") && col<&person::age> == 30), ElementsAre("Without"));
}

TEST_P(documents_on, orders_skips_and_limits) {
  std::vector<person> all{make("b", 2), make("a", 2), make("B", 1), make("é", 3)};
  all[0].nickname = "n";
  run(people().insert_many(all));
  auto const in_order = [&](auto... keys) {
    std::string out;
    for (auto const& each : run(people().all().order_by(keys...).all())) out += each.name;
    return out;
  };
  EXPECT_EQ(in_order(asc<&person::name>), "Babé");  // by bytes, on every engine
  EXPECT_EQ(in_order(desc<&person::name>), "ébaB");
  EXPECT_EQ(in_order(desc<&person::age>, asc<&person::name>), "éabB");
  EXPECT_EQ(in_order(desc<&person::nickname>, asc<&person::name>), "bBaé");
  EXPECT_EQ(in_order(asc<&person::nickname>, asc<&person::name>), "Baéb");
  EXPECT_EQ(run(people().all().order_by(asc<&person::name>).skip(1).limit(2).all())[1].name, "b");
  EXPECT_EQ(run(people().all().order_by(asc<&person::name>).first())->name, "B");
  EXPECT_FALSE(run(people().where(col<&person::age> == 99).first()));
}

TEST_P(documents_on, pages_continue_where_the_last_one_ended) {
  std::vector<person> all;
  for (int i = 0; i < 25; ++i) {
    auto p = make("p" + std::to_string(i), i / 4);
    if (i % 3 == 0) p.nickname = "n" + std::to_string(i);
    all.push_back(p);
  }
  run(people().insert_many(all));
  auto const walk = [&](auto... keys) {
    std::vector<id_of<person>> seen;
    std::string cursor;
    do {
      auto page = *run(people().all().order_by(keys...).page(cursor, 4));
      for (auto const& each : page.items) seen.push_back(each.id);
      cursor = page.next;
    } while (!cursor.empty());
    auto const unpaged = run(people().all().order_by(keys..., desc<&person::id>).all());
    EXPECT_EQ(seen.size(), 25u);
    std::set<id_of<person>> distinct{seen.begin(), seen.end()};
    EXPECT_EQ(distinct.size(), 25u);
    return unpaged.size();
  };
  walk(desc<&person::age>);
  walk(asc<&person::age>);
  walk(asc<&person::nickname>);
  walk(desc<&person::nickname>, asc<&person::age>);
  walk();
  EXPECT_EQ(run(people().all().page("rubbish", 4)).error().code(), "bad_cursor");
  auto const cursor = run(people().all().order_by(asc<&person::age>).page("", 4))->next;
  EXPECT_EQ(run(people().all().order_by(asc<&person::name>).page(cursor, 4)).error().code(), "bad_cursor");
}

struct name_and_home {
  std::string name;
  address home;
  std::optional<std::string> nickname;
};
BOOST_DESCRIBE_STRUCT(name_and_home, (), (name, home, nickname))

TEST_P(documents_on, only_a_part_of_the_documents) {
  auto ann = make("Ann", 30, "Bern");
  ann.nickname = "A";
  run(people().insert_many({ann, make("Ben", 40, "Basel")}));
  auto const parts = run(people().all().order_by(asc<&person::name>).select<name_and_home>());
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].home.city, "Bern");
  EXPECT_EQ(parts[0].nickname, "A");
  EXPECT_EQ(parts[1].nickname, std::nullopt);
  EXPECT_THAT(run(people().all().pluck(col<&person::home, &address::city>)), UnorderedElementsAre("Bern", "Basel"));
  EXPECT_THAT(run(people().all().pluck(col<&person::nickname>)), ElementsAre("A"));
  EXPECT_EQ(run(people().all().pluck(col<&person::id>)).size(), 2u);
}

TEST_P(documents_on, unique_indexes_name_what_was_violated) {
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

TEST_P(documents_on, replaces_a_document_that_nobody_changed) {
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

TEST_P(documents_on, upsert_inserts_or_replaces) {
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

TEST_P(documents_on, changes_inside_of_documents) {
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

TEST_P(documents_on, a_sum_beyond_its_range_changes_nothing) {
  auto ann = make("Ann");
  ann.visits = INT64_MAX - 1;
  ann = run(people().insert(ann));
  EXPECT_THROW(run(people().update(ann.id, changes<person>().inc(col<&person::visits>, 2))), db::error);
  EXPECT_EQ(run(people().find(ann.id))->visits, INT64_MAX - 1);
  EXPECT_EQ(run(people().update(ann.id, changes<person>().inc(col<&person::visits>, 1)))->visits, INT64_MAX);
}

TEST_P(documents_on, changes_and_removes_many) {
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

TEST_P(documents_on, a_place_is_changed_once) {
  auto const ann = run(people().insert(make("Ann")));
  EXPECT_THROW(
      run(people().update(
          ann.id,
          changes<person>().set(col<&person::home>, address{"x", 1}).set(col<&person::home, &address::city>, "y"))),
      std::logic_error);
}

TEST_P(documents_on, refuses_what_cannot_be_stored) {
  auto bad = make("Ann");
  bad.score = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(run(people().insert(bad)), db::input_error);
  bad = make("Ann");
  bad.name = std::string{"a\0b", 3};
  EXPECT_THROW(run(people().insert(bad)), db::input_error);
  bad.name = "\xff";
  EXPECT_THROW(run(people().insert(bad)), db::input_error);
  bad = make("Ann");
  bad.extra = json::value{{"a.b", 1}};
  EXPECT_THROW(run(people().insert(bad)), db::input_error);
  bad.extra = json::value{{"$where", 1}};
  EXPECT_THROW(run(people().insert(bad)), db::input_error);
  bad = make("Ann");
  bad.name = std::string(17 << 20, 'x');
  EXPECT_THROW(run(people().insert(bad)), db::error);
  EXPECT_EQ(run(people().all().count()), 0);
}

struct one_sum {
  std::string city;
  decimal<2> balance;
};
BOOST_DESCRIBE_STRUCT(one_sum, (), (city, balance))
struct by_city {
  std::string city;
  std::int64_t people = 0;
  int age_sum = 0;
  decimal<2> balance;
};
BOOST_DESCRIBE_STRUCT(by_city, (), (city, people, age_sum, balance))
struct extremes {
  std::int64_t people = 0;
  std::optional<double> age;
  std::optional<int> youngest;
  std::optional<std::string> last_name;
};
BOOST_DESCRIBE_STRUCT(extremes, (), (people, age, youngest, last_name))

TEST_P(documents_on, groups) {
  std::vector<person> all{make("a", 10), make("b", 20, "Basel"), make("c", 30)};
  for (auto& each : all) each.balance = *decimal<2>::parse("0.10");
  run(people().insert_many(all));
  auto const city = col<&person::home, &address::city>;
  if (!has_all_accumulators()) {
    auto const sums = run(people().all().group_by(city).order_by(1, true).into<one_sum>(sum(col<&person::balance>)));
    ASSERT_EQ(sums.size(), 2u);
    EXPECT_EQ(sums[0].balance.text(), "0.20");
    EXPECT_THROW(run(people().all().group_by(city).into<by_city>(documents::count<person>(), sum(col<&person::age>),
                                                                 sum(col<&person::balance>))),
                 db::error);
    GTEST_SKIP() << "SKIPPED LOUDLY: this server computes only one value of a group";
  }
  auto const found = run(people().all().group_by(city).order_by(1, true).limit(5).into<by_city>(
      documents::count<person>(), sum(col<&person::age>), sum(col<&person::balance>)));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].city, "Bern");
  EXPECT_EQ(found[0].people, 2);
  EXPECT_EQ(found[0].age_sum, 40);
  EXPECT_EQ(found[0].balance.text(), "0.20");
  EXPECT_EQ(found[1].people, 1);
}

TEST_P(documents_on, averages_and_extremes) {
  run(people().insert_many({make("a", 10), make("b", 21, "Basel"), make("c", 30)}));
  auto const of = [&](filter<person> f) {
    return run(people()
                   .where(std::move(f))
                   .group_by()
                   .into<extremes>(documents::count<person>(), average(col<&person::age>), least(col<&person::age>),
                                   greatest(col<&person::name>)));
  };
  if (!has_all_accumulators()) {
    EXPECT_THROW(of(everything<person>()), db::error);
    GTEST_SKIP() << "SKIPPED LOUDLY: this server has no averages";
  }
  auto const all = of(everything<person>());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].people, 3);
  EXPECT_DOUBLE_EQ(*all[0].age, 61.0 / 3);
  EXPECT_EQ(all[0].youngest, 10);
  EXPECT_EQ(all[0].last_name, "c");
  EXPECT_THAT(of(col<&person::age> > 99), IsEmpty());
}

TEST_P(documents_on, expired_documents_are_swept) {
  auto old = make("old"), young = make("young");
  old.seen_at = clock_.now();
  run(people().insert(old));
  clock_.advance(std::chrono::hours{23});
  young.seen_at = clock_.now();
  run(people().insert_many({young, make("never seen")}));
  EXPECT_EQ(run(store_->sweep(all_collections())), 0);
  clock_.advance(std::chrono::hours{2});
  EXPECT_EQ(run(store_->sweep(all_collections())), 1);
  EXPECT_THAT(names(everything<person>()), ElementsAre("never seen", "young"));
}

TEST_P(documents_on, collections_and_indexes_are_prepared_again_without_harm) {
  run(people().insert(make("Ann")));
  run(store_->prepare(all_collections()));
  EXPECT_EQ(run(people().all().count()), 1);
}

TEST_P(documents_on, many_changes_at_once_lose_none) {
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
  std::jthread other{[&] {
    std::binary_semaphore done{0};
    shards_[1].spawn([](task<> inner, std::binary_semaphore& d) -> task<> {
      co_await std::move(inner);
      d.release();
    }(work(*store_, ann.id), done));
    done.acquire();
  }};
  run(work(*store_, ann.id));
  other.join();
  EXPECT_EQ(run(people().find(ann.id))->visits, 2 * each);
}

INSTANTIATE_TEST_SUITE_P(each, documents_on, all_stores(), name_of);

}  // namespace
}  // namespace slipway::documents::tests
