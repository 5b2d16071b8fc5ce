// Two ranges of a node become one while they are read and written, on both engines; under writes and kills in
// resharding_test.cpp. And splits and merges that somebody thinks better of.
#include "range_cases.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/sharding/progress.hpp>

#include <fmt/format.h>

namespace slipway::sharding::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class merges : public ranges {
 protected:
  // Died just before this step.
  void die_at(std::string_view step, std::function<void(mover&)> const& work) {
    auto m = a_mover({.on_step = [&](std::string_view now) {
      if (now == step) throw stopped{};
    }});
    EXPECT_THROW(work(m), stopped) << step;
  }
  std::string refusal(std::function<void(mover&)> const& work) {
    auto m = a_mover();
    try {
      work(m);
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), exit_code::usage) << e.what();
      return e.what();
    }
    return "";
  }
  customer stranger(std::uint8_t first, std::int64_t slot) {
    customer c{.id = id_of<customer>::make(), .slot = slot, .name = "Bob", .extra = json::value{1}};
    c.id.value.bytes[0] = first;
    return c;
  }
};
INSTANTIATE_TEST_SUITE_P(on, merges, testing::Values(db::dialect::sqlite, db::dialect::postgres),
                         db::tests::engine_name);

TEST_P(merges, WhatWasSplitIsOneRangeAgain) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 30), add(0x3f, 3), add(0x40, 30), add(0x7f, 3), add(0x90, 3);
  auto m = a_mover();
  run(m.split(octet(0x40)));
  auto const before = another();  // a process that learns nothing
  run(before->refresh());
  auto const report = run(m.merge(octet(0x40)));
  EXPECT_EQ(report.slot, 0u);
  EXPECT_EQ(report.gone, 2u);
  EXPECT_EQ(report.rows, 35);
  EXPECT_EQ(run(all_->slot_of(rows_[2].id)), 0u);
  EXPECT_EQ(run(all_->refresh())->ranges.size(), 2u);
  EXPECT_THAT(run(range_progress_of(*all_)), testing::Eq(std::nullopt));
  EXPECT_EQ(run(gather<&customer::slot>(*before, [](db::session& in) { return in.from<customer>(); }))->items.size(),
            5u);
  // Who believes in the upper range finds its way, also with new rows.
  run(checker_.change(*before, rows_[2], true));
  auto const late = another();
  run(late->refresh());
  add(0x50, 2, before.get());
  EXPECT_EQ(rows_in_answer(), 6u);
  EXPECT_THAT(wrong(), IsEmpty());

  EXPECT_TRUE(run(m.merge(octet(0x40))).was_done) << "nothing to be done";
  EXPECT_THAT(refusal([&](mover& other) { run(other.move(2, 1)); }), HasSubstr("slot 2 was merged into another"));
  EXPECT_THAT(plan_moves(*run(all_->refresh()), 2), IsEmpty()) << "one slot each";
  // Its number is not used again.
  EXPECT_EQ(run(m.split(octet(0x40))).made, 3u);
  run(m.move(3, 1));
  run(checker_.change(*late, rows_[2], false));
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(run(count(0, "customers")), 2);
}

TEST_P(merges, RangesOfTwoNodesBecomeOneWhenOneHasMoved) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 3), add(0x7f, 3), add(0x80, 30), add(0xff, 3);
  auto m = a_mover();
  EXPECT_THAT(refusal([&](mover& other) { run(other.merge(octet(0x80))); }),
              HasSubstr("slipway sharding move 1 --to a"));
  run(m.move(1, 0));
  EXPECT_THAT(refusal([&](mover& other) { run(other.merge(octet(0x80))); }),
              HasSubstr("slipway sharding clean --wait"));
  EXPECT_THAT(wrong(), IsEmpty());  // cleans
  EXPECT_EQ(run(m.merge(octet(0x80))).rows, 35);
  add(0xf0, 2), add(0x01, 2);
  EXPECT_THAT(wrong(), IsEmpty());
  run(m.move(0, 1));
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(run(count(0, "customers")), 0);
  EXPECT_THAT(refusal([&](mover& other) { run(other.merge(key{""})); }), HasSubstr("between 1 and 16 octets"));
}

TEST_P(merges, AMergeThatDiesAtAnyStepIsTakenUp) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  for (int i = 0; i < 8; ++i) add(static_cast<std::uint8_t>(0x10 * i), 12);
  run(a_mover().split(octet(0x40)));
  auto const deaths = die_at_every_step([&](mover& m) { run(m.merge(octet(0x40))); },
                                        [&] { EXPECT_THAT(run(a_mover().verify()), IsEmpty()); });
  EXPECT_GE(deaths, 8u);
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(run(all_->refresh())->ranges.size(), 2u);
}

TEST_P(merges, ANodeTakesNoNewRowsIntoASlotThatGoesOrHasGone) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  auto const id = add(0x70, 2);
  auto m = a_mover();
  run(m.split(octet(0x40)));
  auto row = run(all_->read(id, [&](db::session& in) { return in.find<customer>(id); })).value();
  EXPECT_EQ(row.slot, 2);
  auto const wrong_slot = [&] {
    try {
      run(all_->node(0).insert(stranger(0x71, 2)));
      ADD_FAILURE() << "written into the upper slot";
    } catch (db::error const& e) {
      EXPECT_TRUE(is_refusal(e)) << e.what();
    }
  };
  // Read before, written after.
  auto const write = [&] {
    row.balance = ++rows_.back().balance;
    row = run(all_->write(id, [&](db::transaction& tx) { return tx.update(row); })).value();
    row.slot = 2;
  };
  die_at("relabel", [&](mover& dying) { run(dying.merge(octet(0x40))); });
  wrong_slot();
  write();
  run(m.merge(octet(0x40)));
  wrong_slot();
  write();
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(merges, WhatTheNodeHasNotBegunIsGivenUp) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 3), add(0x70, 30);
  auto m = a_mover();
  EXPECT_THAT(refusal([&](mover& other) { run(other.give_up(0)); }), HasSubstr("not being split or merged"));
  auto const split = [&](mover& with) { run(with.split(octet(0x40))); };
  auto const merge = [&](mover& with) { run(with.merge(octet(0x40))); };
  auto const progress = [&] { return run(range_progress_of(*all_)); };

  for (auto const* step : {"claim", "divide"}) {
    die_at(step, split);
    ASSERT_TRUE(progress().has_value());
    EXPECT_EQ(progress()->phase, phase::beginning);
    EXPECT_EQ(progress()->node, "a");
    run(m.give_up(0));
    EXPECT_FALSE(progress().has_value());
    EXPECT_EQ(run(all_->refresh())->slots.size(), 2u);
    EXPECT_THAT(wrong(), IsEmpty());
  }
  die_at("relabelled", split);
  EXPECT_EQ(progress()->phase, phase::relabelling);
  EXPECT_GT(progress()->rows, 0);
  EXPECT_THAT(refusal([&](mover& other) { run(other.give_up(2)); }), HasSubstr("too late to give the split up"));
  split(m);
  EXPECT_THAT(wrong(), IsEmpty());

  die_at("divide", merge);
  EXPECT_EQ(progress()->kind, range_kind::merge);
  EXPECT_THAT(refusal([&](mover& other) { run(other.split(octet(0x20))); }),
              HasSubstr("another merge is under way, at 0x40"));
  EXPECT_THAT(refusal([&](mover& other) { run(other.move(2, 1)); }), HasSubstr("being split or merged"));
  run(m.give_up(2));
  EXPECT_FALSE(progress().has_value());
  die_at("finish", merge);
  EXPECT_THAT(refusal([&](mover& other) { run(other.give_up(0)); }), HasSubstr("too late to give the merge up"));
  merge(m);
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(run(all_->refresh())->ranges.size(), 2u);
}

// As who was taken for dead and wakes up in the middle of it.
TEST_P(merges, WhoseWorkWasGivenUpChangesNothingAnyMore) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 3), add(0x70, 30);
  auto const other = another();
  for (auto const* step : {"claim", "divide"}) {
    auto sleeper = a_mover({.on_step = [&](std::string_view now) {
      if (now == step)
        meanwhile([&]() -> task<> {
          mover quick{*other, all_tables()};
          co_await quick.give_up(0);
        });
    }});
    try {
      run(sleeper.split(octet(0x40)));
      ADD_FAILURE() << "split after " << step;
    } catch (startup_error const& e) {
      EXPECT_THAT(e.what(), HasSubstr("another process has taken this up, or given it up"));
    }
    EXPECT_EQ(run(all_->refresh())->slots.size(), 2u);
    EXPECT_THAT(run(range_progress_of(*all_)), testing::Eq(std::nullopt));
    run(all_->node(0).insert(stranger(0x71, 0)));  // no bound was noted
    run(all_->node(0).execute("delete from customers where name = 'Bob'"));
    EXPECT_THAT(wrong(), IsEmpty());
  }
  // Who takes it up is not hindered by the one before.
  auto sleeper = a_mover({.on_step = [&](std::string_view now) {
    if (now == "divide")
      meanwhile([&]() -> task<> {
        mover quick{*other, all_tables()};
        co_await quick.split(octet(0x40));
      });
  }});
  EXPECT_EQ(run(sleeper.split(octet(0x40))).made, 2u);
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(merges, ASplitThatWasGivenUpIsNotTakenForTheNextOneOfItsRange) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 3), add(0x50, 5), add(0x70, 30);
  auto const other = another();
  auto sleeper = a_mover({.on_step = [&](std::string_view now) {
    if (now == "divide")
      meanwhile([&]() -> task<> {
        mover quick{*other, all_tables()};
        co_await quick.give_up(0);
        co_await quick.split(octet(0x60));
      });
  }});
  try {
    run(sleeper.split(octet(0x40)));
    ADD_FAILURE() << "split with the bound of another";
  } catch (startup_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("another process has taken this up, or given it up"));
  }
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(rows_in_answer(), 3u);
}

}  // namespace
}  // namespace slipway::sharding::tests
