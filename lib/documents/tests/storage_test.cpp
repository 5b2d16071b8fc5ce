// What can be stored, and for how long.
#include "fixture.hpp"

#include <slipway/db/errors.hpp>

namespace slipway::documents::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class document_storage : public people_on {};

TEST_P(document_storage, every_type_comes_back_as_it_was) {
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

TEST_P(document_storage, refuses_what_cannot_be_stored) {
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

TEST_P(document_storage, expired_documents_are_swept) {
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

TEST_P(document_storage, collections_and_indexes_are_prepared_again_without_harm) {
  run(people().insert(make("Ann")));
  run(store_->prepare(all_collections()));
  EXPECT_EQ(run(people().all().count()), 1);
}

INSTANTIATE_TEST_SUITE_P(each, document_storage, all_stores(), name_of);

}  // namespace
}  // namespace slipway::documents::tests
