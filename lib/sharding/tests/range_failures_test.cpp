// What keeps a split or a merge from its end, on PostgreSQL: writers that do not end, a control database that came back
// without its last changes. And maps that change between two looks at them.
#include "range_cases.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/sharding/progress.hpp>

#include <semaphore>
#include <thread>

namespace slipway::sharding::tests {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class range_failures : public ranges {
 protected:
  std::string failure(std::function<void(mover&)> const& work, mover_options o = {}) {
    auto m = a_mover(std::move(o));
    try {
      work(m);
    } catch (unavailable_error const& e) {
      return e.what();
    }
    return "";
  }
};
INSTANTIATE_TEST_SUITE_P(on, range_failures, testing::Values(db::dialect::postgres), db::tests::engine_name);

// A transaction of another process, with a row of this customer, that does not end before its object does.
class open_transaction {
 public:
  open_transaction(std::string const& url, entry row) : work_{[this, url, row] { write(url, row); }} {
    wrote_.acquire();
  }
  ~open_transaction() { may_end_.release(); }

 private:
  void write(std::string const& url, entry const& row) {
    shards own{1};
    auto there = db::connect({.url = url}, own);
    own.run(there.transaction([&](db::transaction& tx) -> task<> {
      co_await tx.insert(row);
      wrote_.release();
      may_end_.acquire();
    }));
  }

  std::binary_semaphore wrote_{0}, may_end_{0};
  std::jthread work_;
};

TEST_P(range_failures, AWriterThatDoesNotEndKeepsARangeAsItIsUntilItHasEnded) {
  if (!make_ids([](settings& s) { s.fence = 20ms; })) GTEST_SKIP() << skipped;
  add(0x10, 3);
  auto const id = add(0x70, 3);
  auto const one_more = [&](std::int64_t slot) {
    return entry{.id = id_of<entry>::make(), .customer_id = id, .slot = slot, .number = 77};
  };
  auto const split = [&](mover& m) { run(m.split(octet(0x40))); };
  auto const merge = [&](mover& m) { run(m.merge(octet(0x40))); };
  {
    open_transaction const writer{settings_.nodes[0].url, one_more(0)};
    EXPECT_THAT(failure(split), AllOf(HasSubstr("longer than sharding.fence (20 ms) 20 times"),
                                      HasSubstr("the split can be taken up again")));
    ASSERT_TRUE(run(range_progress_of(*all_)).has_value());
    EXPECT_EQ(run(range_progress_of(*all_))->phase, phase::beginning);
    EXPECT_EQ(run(all_->refresh())->ranges.size(), 2u);
    add(0x71, 2);  // the slot is written as before
    EXPECT_THAT(wrong(), IsEmpty());
  }
  run(a_mover().split(octet(0x40)));
  {
    open_transaction const writer{settings_.nodes[0].url, one_more(2)};
    EXPECT_THAT(failure(merge), HasSubstr("the merge can be taken up again"));
    add(0x72, 2);
    EXPECT_EQ(run(all_->refresh())->ranges.size(), 3u);
  }
  run(a_mover().merge(octet(0x40)));
  EXPECT_EQ(run(all_->node(0).execute("delete from entries where number = 77")), 2) << "both were committed";
  EXPECT_THAT(wrong(), IsEmpty());
}

// As after a promotion of a standby that had not got it yet.
TEST_P(range_failures, WhatTheControlDatabaseHasForgottenIsTakenUpAgain) {
  if (!make_ids([](settings& s) { s.patience = 300ms; })) GTEST_SKIP() << skipped;
  add(0x10, 3);
  add(0x70, 30);
  auto const check = [&](std::function<void(mover&)> const& work, char const* command) {
    mover_options const forgets{.on_step = [&](std::string_view step) {
      if (step == "publish") meanwhile([&]() -> task<> { co_await control_->execute("delete from sharding_splits"); });
    }};
    EXPECT_THAT(failure(work, forgets), AllOf(HasSubstr("the node has begun the"), HasSubstr(command)));
    EXPECT_FALSE(run(range_progress_of(*all_)).has_value());
    EXPECT_THROW(run(checker_.change(*all_, rows_.back(), true)), unavailable_error) << "and not misplaced";
    EXPECT_THAT(run(a_mover().verify()), Contains(HasSubstr("a has begun to split or to merge slot")));
    auto m = a_mover();
    work(m);
    EXPECT_THAT(wrong(), IsEmpty());
    run(checker_.change(*all_, rows_.back(), true));
    EXPECT_THAT(wrong(), IsEmpty());
  };
  check([this](mover& m) { EXPECT_EQ(run(m.split(octet(0x40))).made, 2u); }, "slipway sharding split --at 0x40");
  check([this](mover& m) { EXPECT_EQ(run(m.merge(octet(0x40))).gone, 2u); }, "slipway sharding merge --at 0x40");
}

// The time of day, and a time since the start that stands still but for one leap.
class leaping_clock final : public clock_source {
 public:
  time_point now() const noexcept override { return system_clock().now(); }
  std::chrono::steady_clock::time_point steady() const noexcept override {
    if (until_leap_ > 0 && --until_leap_ == 0) now_ += leap_;
    return now_;
  }
  void leap_after(int readings, std::chrono::milliseconds by) {
    until_leap_ = readings + 1;
    leap_ = by;
  }

 private:
  mutable int until_leap_ = 0;
  std::chrono::milliseconds leap_{0};
  mutable std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
};

TEST_P(range_failures, AMapThatChangesWhileAKeyIsLookedUpIsNoTroubleToWhoAsks) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 3);
  auto const id = add(0x70, 3);
  leaping_clock clock;
  base_.clock = &clock;
  auto const late = another();
  // Each time the map is old enough to be asked for anew right after the first look at it.
  auto const look = [&] { clock.leap_after(1, settings_.refresh); };
  run(a_mover().split(octet(0x40)));
  run(late->refresh());
  run(a_mover().merge(octet(0x40)));
  look();
  run(checker_.change(*late, rows_.back(), true));
  run(a_mover().split(octet(0x40)));
  run(late->refresh());
  run(a_mover().merge(octet(0x40)));
  look();
  EXPECT_TRUE(run(late->read(id, [&](db::session& in) { return in.find<customer>(id); })).has_value());
  EXPECT_THAT(wrong(), IsEmpty());
  base_.clock = nullptr;
}

}  // namespace
}  // namespace slipway::sharding::tests
