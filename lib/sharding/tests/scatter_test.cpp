// Questions to all nodes.
#include "cases.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/sharding/scatter.hpp>

#include <fmt/format.h>

#include <latch>
#include <set>

namespace slipway::sharding::tests {
namespace {

using db::asc;
using db::col;
using db::desc;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char const* skipped = "SKIPPED LOUDLY: no PostgreSQL";

class questions : public sharded_case, public testing::WithParamInterface<db::dialect> {
 public:
  // Customers with the balances 0 to count - 1, over all slots.
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      auto c = customer_in(static_cast<std::uint32_t>(i * 7) % settings_.slots);
      c.balance = i;
      run(all_->insert(c));
    }
  }
  task<result<gathered<customer>>> ask(std::string cursor, gather_options o) {
    std::vector<db::order<customer>> const orders{desc<&customer::balance>};
    return gather<&customer::slot>(
        *all_, [](db::session& in) { return in.from<customer>().where(col<&customer::balance> < 1'000'000); }, orders,
        std::move(cursor), o);
  }
  static std::vector<std::int64_t> balances(std::vector<customer> const& all) {
    std::vector<std::int64_t> out;
    for (auto const& c : all) out.push_back(c.balance);
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(on, questions, testing::Values(db::dialect::sqlite, db::dialect::postgres),
                         db::tests::engine_name);

TEST_P(questions, AnswersOfAllNodesAreOneListInOrderPageByPage) {
  if (!make(GetParam(), 3, 6)) GTEST_SKIP() << skipped;
  fill(23);
  std::vector<std::int64_t> all;
  std::string cursor;
  unsigned pages = 0;
  do {
    auto page = run(ask(cursor, {.limit = 5, .at_once = 2}));
    ASSERT_TRUE(page.has_value());
    EXPECT_LE(page->items.size(), 5u);
    EXPECT_THAT(page->missing, IsEmpty());
    for (auto b : balances(page->items)) all.push_back(b);
    cursor = page->next;
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(pages, 5u);
  EXPECT_EQ(all_->scattered().questions, 5u);
  EXPECT_EQ(all_->scattered().asked, 15u) << "three nodes each";
  EXPECT_EQ(all_->scattered().repeated + all_->scattered().partial, 0u);
  std::vector<std::int64_t> expected;
  for (int i = 22; i >= 0; --i) expected.push_back(i);
  EXPECT_EQ(all, expected);
  EXPECT_FALSE(run(ask("nonsense", {})).has_value());
  EXPECT_THROW(run(ask("", {.limit = 0})), db::error);
}

TEST_P(questions, RowsThatAreOnTwoNodesAreCountedOnce) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  fill(8);
  std::vector<std::size_t> seen;
  // At every step of a move, from another shard, because this one is in the move.
  auto m = a_mover({.on_step = [&](std::string_view) {
    if (GetParam() == db::dialect::sqlite) return;  // whose writer is one for all shards
    std::latch done{1};
    on_[1].spawn([](questions& self, std::vector<std::size_t>& out, std::latch& end) -> task<> {
      auto const found = co_await self.ask("", {});
      out.push_back(found ? found->items.size() : 0);
      end.count_down();
    }(*this, seen, done));
    done.wait();
  }});
  run(m.move(0, 1));
  EXPECT_THAT(seen, testing::Each(8u));
  EXPECT_EQ(run(ask("", {}))->items.size(), 8u);
  EXPECT_EQ(run(count(0, "customers")) + run(count(1, "customers")), 10) << "the old copy is still there";
}

TEST_P(questions, ANodeThatIsAwayIsToldOrRefused) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  fill(8);
  run(all_->node(1).script("alter table customers rename to hidden"));
  EXPECT_THROW(run(ask("", {})), unavailable_error);
  auto const part = run(ask("", {.may_be_partial = true}));
  ASSERT_TRUE(part.has_value());
  EXPECT_THAT(part->missing, ElementsAre("b"));
  EXPECT_EQ(part->items.size(), static_cast<std::size_t>(run(count(0, "customers"))));
}

TEST_P(questions, TheDeadlineHolds) {
  if (GetParam() == db::dialect::sqlite || !make(GetParam(), 2, 4)) GTEST_SKIP() << "SQLite has no locks for readers";
  fill(4);
  auto const began = std::chrono::steady_clock::now();
  run(all_->node(1).transaction([&](db::transaction& tx) -> task<> {
    co_await tx.execute("lock table customers in access exclusive mode");
    auto const part = co_await ask("", {.timeout = std::chrono::milliseconds{400}, .may_be_partial = true});
    EXPECT_THAT(part->missing, ElementsAre("b"));
  }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{3});
}

TEST_P(questions, ADirectorySaysWhereAKeyLies) {
  if (!make(GetParam(), 2, 64, [](settings& s) { s.strategy = strategy::directory; })) GTEST_SKIP() << skipped;
  EXPECT_TRUE(run(all_->place_in("big customer", 40)));
  EXPECT_FALSE(run(all_->place_in("big customer", 41))) << "for ever";
  EXPECT_EQ(run(all_->slot_of("big customer")), 40u);
  EXPECT_EQ(run(all_->locate("big customer")).node, 1u);
  std::set<std::uint32_t> slots;
  for (int i = 0; i < 40; ++i) {
    auto const c = run(all_->insert(customer{.id = id_of<customer>::make(), .name = "Ann", .extra = json::value{1}}));
    slots.insert(static_cast<std::uint32_t>(c.slot));
    auto const found = run(another()->read(c.id, [&](db::session& in) { return in.find<customer>(c.id); }));
    EXPECT_TRUE(found.has_value()) << "another process asks the directory";
  }
  EXPECT_GT(slots.size(), 20u) << "two of 64 by chance, and the emptier of them";
}

// Of which nobody says by what they are sharded: their ids would not fit the bounds.
tables tables_of_nobody() {
  return {table{table_settings{.name = "customers"}}, table{table_settings{.name = "entries"}}};
}

TEST_P(questions, RangesKeepNeighboursTogether) {
  tables_ = tables_of_nobody();
  if (!make(GetParam(), 2, 4, [](settings& s) {
        s.strategy = strategy::range;
        s.ranges = {"g", "n", "t"};
      }))
    GTEST_SKIP() << skipped;
  EXPECT_EQ(run(all_->slot_of("anna")), 0u);
  EXPECT_EQ(run(all_->slot_of("maria")), 1u);
  EXPECT_EQ(run(all_->locate("anna")).node, 0u);
  EXPECT_EQ(run(all_->locate("zoe")).node, 1u);
  run(a_mover().move(0, 1));
  run(all_->refresh());
  EXPECT_EQ(run(all_->locate("anna")).node, 1u);
}

TEST_P(questions, RangesOfNumbersAreOrderedAsNumbers) {
  tables_ = tables_of_nobody();
  if (!make(GetParam(), 2, 4, [](settings& s) {
        s.strategy = strategy::range;
        s.ranges = {"0x8000000000000000", "0x80000000000003e8", "0x80000000000f4240"};  // 0, 1000, 1000000
      }))
    GTEST_SKIP() << skipped;
  EXPECT_EQ(run(all_->slot_of(-1)), 0u);
  EXPECT_EQ(run(all_->slot_of(0)), 1u);
  EXPECT_EQ(run(all_->slot_of(999)), 1u);
  EXPECT_EQ(run(all_->slot_of(1000)), 2u);
  EXPECT_EQ(run(all_->slot_of(5'000'000)), 3u);
  // The same as they are written.
  settings_.range_keys = key_kind::number;
  settings_.ranges = {"0", "1000", "1000000"};
  auto const same = another();
  run(same->check());
  EXPECT_EQ(run(same->slot_of(1000)), 2u);
  for (auto const* wrong : {"ten", "0x12345"}) {
    settings_.ranges[1] = wrong;
    try {
      another();
      ADD_FAILURE() << "taken";
    } catch (startup_error const& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr(fmt::format("'{}' is no whole number", wrong)));
    }
  }
  settings_.ranges = {"0", "1000", "999"};
  EXPECT_THROW(another(), startup_error) << "as numbers they must ascend";
}

TEST_P(questions, RangesOfIdsAreOrderedAsIds) {
  if (!make(GetParam(), 2, 3, [](settings& s) {
        s.strategy = strategy::range;
        s.range_keys = key_kind::id;
        s.ranges = {"0x0198c6a0", "0x0199000000007000"};
      }))
    GTEST_SKIP() << skipped;
  EXPECT_EQ(run(all_->slot_of(*uuid::parse("0198c69f-ffff-7fff-8000-000000000001"))), 0u);
  EXPECT_EQ(run(all_->slot_of(*uuid::parse("0198c6a0-0000-7000-8000-000000000001"))), 1u);
  EXPECT_EQ(run(all_->slot_of(*uuid::parse("01990000-0000-7000-8000-000000000001"))), 2u);
  settings_.ranges = {"0198c6a0-0000-7000-8000-000000000000", "01990000-0000-7000-8000-000000000000"};
  EXPECT_EQ(run(another()->slot_of(*uuid::parse("01990000-0000-7000-8000-000000000001"))), 2u);
}

}  // namespace
}  // namespace slipway::sharding::tests
