#include "fixture.hpp"

#include <slipway/db/errors.hpp>

#include <set>
#include <thread>

namespace slipway::documents::tests {
namespace {

using testing::ElementsAre;

class feeds_on : public each_store {
 protected:
  void SetUp() override {
    each_store::SetUp();
    if (IsSkipped() || has_feeds()) return;
    EXPECT_THROW(run(settings().feed_end()), db::error);
    GTEST_SKIP() << "SKIPPED LOUDLY: this server has no change streams: it is no replica set and no cluster";
  }
  collection<setting> settings() { return collection<setting>{*store_}; }
};

std::vector<std::string> told(std::vector<changed<setting>> const& entries) {
  std::vector<std::string> out;
  for (auto const& each : entries)
    out.push_back((each.what == change_kind::inserted  ? "+"
                   : each.what == change_kind::changed ? "~"
                                                       : "-") +
                  each.id + (each.document ? "=" + each.document->value : ""));
  return out;
}

TEST_P(feeds_on, tell_every_change_in_order_and_go_on_from_anywhere) {
  auto const begin = run(settings().feed_end());
  run(settings().insert_many({{.id = "a", .value = "1"}, {.id = "b", .value = "1"}}));
  (void)run(settings().update("a", changes<setting>().set(col<&setting::value>, "2")));
  (void)run(settings().replace({.id = "b", .value = "3"}));
  run(settings().upsert({.id = "a", .value = "4"}));
  run(settings().upsert({.id = "c", .value = "5"}));
  EXPECT_EQ(run(settings().where(col<&setting::value> >= "4").update(changes<setting>().inc(col<&setting::uses>, 1))),
            2);
  (void)run(settings().remove("b"));
  EXPECT_EQ(run(settings().all().remove()), 2);
  auto const all = *run(settings().feed(begin));
  if (is_sql()) {
    EXPECT_THAT(told(all),
                ElementsAre("+a=1", "+b=1", "~a=2", "~b=3", "~a=4", "+c=5", "~a=4", "~c=5", "-b", "-a", "-c"));
    EXPECT_EQ(all[6].document->uses, 1);
  } else {  // a change comes with the document as it is by now: these are gone
    EXPECT_THAT(told(all), ElementsAre("+a=1", "+b=1", "~a", "~b", "~a", "+c=5", "~a", "~c", "-b", "-a", "-c"));
  }
  EXPECT_THAT(told(*run(settings().feed(all[8].token))), ElementsAre("-a", "-c"));
  EXPECT_THAT(told(*run(settings().feed(begin, 2))), ElementsAre("+a=1", "+b=1"));
  EXPECT_TRUE(run(settings().feed(all.back().token))->empty());
}

TEST_P(feeds_on, changes_that_were_undone_are_not_told) {
  auto const begin = run(settings().feed_end());
  run(settings().insert({.id = "a"}));
  EXPECT_THROW(run(settings().insert_many({{.id = "b"}, {.id = "a"}})), db::constraint_error);
  auto const refused = run(store_->transaction([](session& in) -> task<result<int>> {
    collection<setting> inside{in};
    co_await inside.insert({.id = "c"});
    co_return fault::conflict("not_today");
  }));
  EXPECT_EQ(refused.error().code(), "not_today");
  EXPECT_THAT(told(*run(settings().feed(begin))), ElementsAre("+a="));
}

TEST_P(feeds_on, refuse_what_is_no_token) { EXPECT_EQ(run(settings().feed("rubbish")).error().code(), "bad_token"); }

TEST_P(feeds_on, have_no_beginning_on_mongodb) {
  if (is_sql()) GTEST_SKIP() << "what is kept of it has one";
  run(settings().insert({.id = "a"}));
  EXPECT_EQ(run(settings().feed("")).error().code(), "feed_expired");
}

TEST_P(feeds_on, are_swept_some_thousand_entries_at_a_time) {
  if (!is_sql()) GTEST_SKIP() << "the server does it";
  std::vector<setting> many(5'100);
  for (std::size_t i = 0; i < many.size(); ++i) many[i].id = std::to_string(i);
  auto const begin = run(settings().feed_end());
  run(settings().insert_many(many));
  clock_.advance(std::chrono::hours{2});
  run(settings().insert({.id = "young"}));
  EXPECT_EQ(run(store_->sweep(all_collections())), 5'000);
  EXPECT_EQ(run(settings().feed("", 1))->at(0).id, "5000") << "the oldest first";
  EXPECT_EQ(run(store_->sweep(all_collections())), 100);
  EXPECT_EQ(run(store_->sweep(all_collections())), 0);
  EXPECT_THAT(told(*run(settings().feed(""))), ElementsAre("+young="));
  EXPECT_EQ(run(settings().feed(begin)).error().code(), "feed_expired");
}

TEST_P(feeds_on, say_when_what_came_next_is_gone) {
  if (!is_sql()) GTEST_SKIP() << "what the server keeps goes by its own clock and size";
  auto const begin = run(settings().feed_end());
  run(settings().insert({.id = "a"}));
  auto const after_a = run(settings().feed_end());
  clock_.advance(std::chrono::hours{2});
  run(settings().insert({.id = "b"}));
  run(store_->sweep(all_collections()));
  EXPECT_EQ(run(settings().feed(begin)).error().code(), "feed_expired");
  EXPECT_THAT(told(*run(settings().feed(after_a))), ElementsAre("+b="));
  EXPECT_THAT(told(*run(settings().feed(""))), ElementsAre("+b="));
  clock_.advance(std::chrono::hours{2});
  run(store_->sweep(all_collections()));
  EXPECT_EQ(run(settings().feed(after_a)).error().code(), "feed_expired");
}

TEST_P(feeds_on, wait_for_the_next_change) {
  auto const begin = run(settings().feed_end());
  auto const heard = run([](store& in, shards& on, std::string token) -> task<std::vector<changed<setting>>> {
    on[1].spawn([](store& there) -> task<> {
      co_await sleep_for(std::chrono::milliseconds{30});
      co_await collection<setting>{there}.insert({.id = "late"});
    }(in));
    co_return *co_await collection<setting>{in}.follow(token, 10, std::chrono::milliseconds{5});
  }(*store_, shards_, begin));
  EXPECT_THAT(told(heard), ElementsAre("+late="));
}

TEST_P(feeds_on, numbers_are_seen_in_their_order_under_concurrent_changes) {
  auto const begin = run(settings().feed_end());
  constexpr int each = 30;
  auto const work = [](store& in, std::string prefix) -> task<> {
    for (int i = 0; i < each; ++i) co_await collection<setting>{in}.insert({.id = prefix + std::to_string(i)});
  };
  std::jthread other{[&] { shards_.run(work(*store_, "x"), 1); }};
  std::vector<std::string> seen;
  std::string token = begin;
  shards_[0].spawn(work(*store_, "y"));
  while (seen.size() < 2 * each) {
    auto const found = *run(settings().follow(token, 7, std::chrono::milliseconds{1}));
    for (auto const& entry : found) seen.push_back(entry.id);
    token = found.back().token;
  }
  other.join();
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 2u * each);
}

class transactions_on : public each_store {};

TEST_P(transactions_on, keep_all_or_nothing) {
  auto const work = [](session& in) -> task<int> {
    collection<person> people{in};
    auto const ann = co_await people.insert(make("Ann"));
    (void)co_await people.update(ann.id, changes<person>().set(col<&person::age>, 40));
    co_return static_cast<int>(co_await people.all().count());
  };
  if (!has_transactions()) {
    EXPECT_THROW(run(store_->transaction(work)), db::error);
    GTEST_SKIP() << "SKIPPED LOUDLY: this server has no transactions: it is no replica set and no cluster";
  }
  EXPECT_EQ(run(store_->transaction(work)), 1);
  EXPECT_THROW(run(store_->transaction([](session& in) -> task<> {
                 co_await collection<person>{in}.insert(make("Ben"));
                 throw std::runtime_error{"no"};
               })),
               std::runtime_error);
  auto const refused = run(store_->transaction([](session& in) -> task<result<int>> {
    co_await collection<person>{in}.insert(make("Cleo"));
    co_return fault::conflict("refused");
  }));
  EXPECT_EQ(refused.error().code(), "refused");
  EXPECT_EQ(run(collection<person>{*store_}.all().pluck(col<&person::name>)), std::vector<std::string>{"Ann"});
}

TEST_P(transactions_on, rows_and_documents_together) {
  if (!is_sql()) GTEST_SKIP() << "documents are in another database than rows";
  run(db_->script("create table t (n integer)"));
  EXPECT_THROW(run(db_->transaction([](db::transaction& tx) -> task<> {
                 auto const inside = documents_in(tx);
                 co_await collection<person>{*inside}.insert(make("Ann"));
                 co_await tx.execute("insert into t (n) values (1)");
                 throw std::runtime_error{"no"};
               })),
               std::runtime_error);
  EXPECT_EQ(run(collection<person>{*store_}.all().count()), 0);
}

INSTANTIATE_TEST_SUITE_P(each, feeds_on, all_stores(), name_of);
INSTANTIATE_TEST_SUITE_P(each, transactions_on, all_stores(), name_of);

}  // namespace
}  // namespace slipway::documents::tests
