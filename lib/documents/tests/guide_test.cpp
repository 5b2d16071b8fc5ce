// Every snippet of docs/documents.md, and that there is no other.
#include "../../db/tests/guide_page.hpp"
#include "fixture.hpp"

namespace guide {

using namespace slipway;
using namespace slipway::documents;

struct place {
  std::string city, street;
};
BOOST_DESCRIBE_STRUCT(place, (), (city, street))

struct customer {
  id_of<customer> id;
  std::string email;
  std::string name;
  std::optional<std::string> phone;
  place home;
  std::vector<std::string> tags;
  int orders = 0;
  decimal<2> spent;
  std::optional<time_point> last_seen;
  std::int64_t version = 0;
  time_point created_at{}, updated_at{};
};
BOOST_DESCRIBE_STRUCT(customer, (),
                      (id, email, name, phone, home, tags, orders, spent, last_seen, version, created_at, updated_at))

struct card {
  std::string name;
  std::optional<std::string> phone;
};
BOOST_DESCRIBE_STRUCT(card, (), (name, phone))

struct city_total {
  std::string city;
  decimal<2> spent;
};
BOOST_DESCRIBE_STRUCT(city_total, (), (city, spent))

}  // namespace guide

using guide::customer, guide::place;

// clang-format off
template <>
inline constexpr auto slipway::documents::collection_of<customer> =
    collection_named<customer>("customers")
        .version(col<&customer::version>)
        .timestamps(col<&customer::created_at>, col<&customer::updated_at>)
        .unique(col<&customer::email>)
        .index(col<&customer::home, &place::city>, col<&customer::orders>)
        .expires_after(col<&customer::last_seen>, std::chrono::days{365})
        .feed();
// clang-format on

namespace guide {
namespace {

task<result<customer>> one(documents::store& store) {
  collection<customer> customers{store};
  auto ann = co_await customers.insert({.email = "ann@example.com", .name = "Ann", .home = {"Bern", "Gasse 1"}});
  auto found = co_await ok(customers.find(ann.id));  // the fault not_found leaves this function
  found.name = "Ann King";
  found = co_await ok(customers.replace(found));  // precondition_failed("version_conflict") when somebody was faster
  found = co_await customers.upsert(found);       // whatever the version
  co_return found;
}

task<result<customer>> sign_up(documents::store& store, customer row) {
  collection<customer> customers{store};
  co_return co_await db::or_fault(customers.insert(std::move(row)), "unique(customers.email)",
                                  fault::conflict("email_taken"));
}

task<result<std::size_t>> questions(documents::store& store, std::string cursor) {
  collection<customer> customers{store};
  // clang-format off
  auto const list = co_await customers.where(col<&customer::orders> >= 3 && col<&customer::home, &place::city> == "Bern")
                        .order_by(desc<&customer::orders>, asc<&customer::name>)
                        .limit(20)
                        .all();
  auto const known = co_await customers.where(col<&customer::phone>.exists() || col<&customer::tags>.contains("new")).count();
  auto const page = co_await ok(customers.all().order_by(asc<&customer::name>).page(cursor, 20));
  auto const emails = co_await customers.where(!col<&customer::name>.starts_with("A")).pluck(col<&customer::email>);
  auto const cards = co_await customers.all().limit(100).select<card>();  // the members of `card` alone
  auto const cities = co_await customers.where(col<&customer::orders> > 0)
                          .group_by(col<&customer::home, &place::city>)
                          .order_by(1, true)
                          .limit(10)
                          .into<city_total>(sum(col<&customer::spent>));
  // clang-format on
  co_return list.size() + static_cast<std::size_t>(known) + page.items.size() + emails.size() + cards.size() +
      cities.size();
}

task<result<customer>> change(documents::store& store, customer ann) {
  collection<customer> customers{store};
  // clang-format off
  auto const changed = co_await ok(customers.update(
      ann.id, changes<customer>()
                  .set(col<&customer::home, &place::city>, "Basel")
                  .unset(col<&customer::phone>)
                  .inc(col<&customer::orders>, 1)
                  .add_to_set(col<&customer::tags>, "regular")
                  .max(col<&customer::spent>, *decimal<2>::parse("100.00"))
                  .now(col<&customer::last_seen>)));
  auto const touched = co_await customers.where(col<&customer::orders> == 0).update(changes<customer>().push(col<&customer::tags>, "idle"));
  auto const removed = co_await customers.where(col<&customer::tags>.contains("gone")).remove();
  // clang-format on
  EXPECT_EQ(touched, 1);
  EXPECT_EQ(removed, 0);
  co_return changed;
}

task<int> together(documents::store& store, customer ann, customer ben) {
  auto const moved = co_await store.transaction([&](session& in) -> task<result<customer>> {
    collection<customer> inside{in};
    auto from = co_await ok(inside.update(ann.id, changes<customer>().inc(col<&customer::orders>, -1)));
    co_await ok(inside.update(ben.id, changes<customer>().inc(col<&customer::orders>, 1)));
    co_return from;
  });
  co_return moved ? moved->orders : -1;
}

task<result<std::string>> listen(documents::store& store) {
  collection<customer> customers{store};
  auto token = co_await customers.feed_end();
  co_await customers.insert({.email = "zoe@example.com", .name = "Zoe"});
  auto const heard = co_await ok(customers.follow(token));  // waits for at least one
  for (auto const& each : heard) token = each.token;        // keep it where you keep what you made of the change
  co_return heard.front().document->name;
}

class documents_guide : public documents::tests::each_store {};

TEST_P(documents_guide, its_snippets_do_what_they_say) {
  run(store_->prepare({&info_of<customer>}));
  auto const ann = run(one(*store_));
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->version, 3);
  auto const taken = run(sign_up(*store_, {.email = "ann@example.com"}));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), "email_taken");
  auto const ben = *run(sign_up(*store_, {.email = "ben@example.com", .name = "Ben", .tags = {"new"}}));
  EXPECT_EQ(*run(questions(*store_, "")), 0u + 1 + 2 + 1 + 2 + 0);
  auto const changed = run(change(*store_, *ann));
  EXPECT_EQ(changed->spent.text(), "100.00");
  EXPECT_EQ(changed->home.city, "Basel");
  if (has_transactions()) {
    EXPECT_EQ(run(together(*store_, *ann, ben)), 0);
  }
  if (has_feeds()) {
    EXPECT_EQ(*run(listen(*store_)), "Zoe");
  }
}

INSTANTIATE_TEST_SUITE_P(each, documents_guide, documents::tests::all_stores(), documents::tests::name_of);

TEST(documents_guide_page, has_no_snippet_that_is_not_compiled_here) {
  slipway::tests::expect_to_be_compiled(GUIDE_PAGE, GUIDE_SOURCE, 8);
}

}  // namespace
}  // namespace guide
