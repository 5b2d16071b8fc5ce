// Ranges are split while they are read and written, on both engines; under writes and kills in resharding_test.cpp.
#include "range_cases.hpp"

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <limits>

namespace slipway::sharding::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(on, ranges, testing::Values(db::dialect::sqlite, db::dialect::postgres),
                         db::tests::engine_name);

TEST_P(ranges, TheUpperPartOfARangeGetsASlotAndMoves) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 30), add(0x3f, 3), add(0x40, 30), add(0x7f, 3), add(0x90, 3);
  auto before = another();  // a process that learns nothing
  run(before->refresh());
  auto m = a_mover();
  auto const report = run(m.split(octet(0x40)));
  EXPECT_EQ(report.slot, 0u);
  EXPECT_EQ(report.made, 2u);
  EXPECT_EQ(report.rows, 35);
  EXPECT_EQ(run(all_->slot_of(rows_[1].id)), 0u);
  EXPECT_EQ(run(all_->slot_of(rows_[2].id)), 2u);
  EXPECT_EQ(run(all_->slot_of(rows_[4].id)), 1u);
  EXPECT_EQ(rows_in_answer(), 5u);
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_TRUE(run(m.split(octet(0x40))).was_there) << "nothing to be done";

  EXPECT_EQ(run(m.move(2, 1)).rows, 35);
  // Who believes in the old range finds its way, also with new rows.
  run(checker_.change(*before, rows_[2], true));
  EXPECT_EQ(run(before->locate(rows_[2].id)).node, 1u);
  add(0x50, 2, before.get());
  EXPECT_EQ(rows_in_answer(), 6u);
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(run(count(0, "customers")), 2);

  // What was split moves with its bound, and is split again.
  run(m.move(0, 1));
  try {
    run(m.split(octet(0x20)));
    ADD_FAILURE() << "split beside its old copy";
  } catch (startup_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("`slipway sharding clean --wait`"));
  }
  EXPECT_THAT(wrong(), IsEmpty());
  run(m.split(octet(0x20)));
  run(m.split(octet(0x60)));
  add(0x21, 2), add(0x61, 2);
  run(m.move(run(all_->slot_of(rows_[0].id)), 0));
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(run(all_->refresh())->slots.size(), 5u);
}

TEST_P(ranges, ANodeRefusesKeysAboveARangeThatWasSplitWhoeverWrites) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  auto const id = add(0x70, 1);
  run(a_mover().split(octet(0x40)));
  auto const wrong_slot = [&](std::uint32_t node) {
    customer stranger{.id = id_of<customer>::make(), .slot = 0, .name = "Bob", .extra = json::value{1}};
    stranger.id.value.bytes[0] = 0x71;
    try {
      run(all_->node(node).insert(stranger));
      ADD_FAILURE() << "written into the old slot";
    } catch (db::error const& e) {
      EXPECT_TRUE(is_refusal(e)) << e.what();
    }
  };
  wrong_slot(0);
  // The child lies by its parent's key.
  EXPECT_THROW(run(all_->node(0).insert(entry{.customer_id = id, .slot = 0, .number = 5})), db::error);
  run(all_->node(0).execute("update customers set slot = 0 where slot = 2"));
  EXPECT_EQ(run(all_->node(0).query("select count(*) from customers where slot = 2"))[0].get<int>(0), 1) << "it stays";
  EXPECT_THROW(run(all_->node(0).execute("update entries set id = customer_id where slot = 2")), db::error);
  run(a_mover().move(0, 1));
  wrong_slot(1);
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(ranges, ARowThatWasReadBeforeASplitCanBeWrittenAfterIt) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  auto const id = add(0x70, 2);
  auto row = run(all_->read(id, [&](db::session& in) { return in.find<customer>(id); })).value();
  EXPECT_EQ(row.slot, 0);
  auto const write = [&] {
    row.balance = ++rows_.back().balance;
    row = run(all_->write(id, [&](db::transaction& tx) { return tx.update(row); })).value();
    row.slot = 0;
  };
  run(a_mover().split(octet(0x40)));
  write();
  EXPECT_THAT(wrong(), IsEmpty());
  run(a_mover().move(2, 1));
  write();
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_P(ranges, ASplitThatDiesAtAnyStepIsTakenUp) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  for (int i = 0; i < 8; ++i) add(static_cast<std::uint8_t>(0x10 * i), 12);
  EXPECT_GE(die_at_every_step([&](mover& m) { run(m.split(octet(0x40))); }), 7u);
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(run(all_->refresh())->slots.size(), 3u) << "one slot, however often it was begun";
}

TEST_P(ranges, WhatCannotBeSplitIsRefusedWithTheReason) {
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 3), add(0x70, 3);
  auto const refusal = [&](tables all, key at) -> std::string {
    try {
      run(mover{*all_, std::move(all)}.split(std::move(at)));
      return "";
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), exit_code::usage);
      return e.what();
    }
  };
  EXPECT_THAT(refusal({table{table_settings{.name = "invoices"}}}, octet(0x40)), HasSubstr("sharding.tables (by)"));
  EXPECT_THAT(refusal(all_tables(), key{std::string(17, 'x')}), HasSubstr("between 1 and 16 octets"));
  auto dying = a_mover({.on_step = [](std::string_view step) {
    if (step == "copy" || step == "relabel") throw stopped{};
  }});
  EXPECT_THROW(run(dying.move(0, 1)), stopped);
  EXPECT_THAT(refusal(all_tables(), octet(0x40)), HasSubstr("slot 0 is moving"));
  run(a_mover().give_up(0));
  EXPECT_THROW(run(dying.split(octet(0x40))), stopped);
  EXPECT_THAT(refusal(all_tables(), octet(0x50)), HasSubstr("another split is under way, at 0x40"));
  EXPECT_THROW(run(a_mover().move(0, 1)), startup_error) << "half of it says another slot";
  EXPECT_THROW(run(a_mover().move(2, 1)), startup_error) << "half of it does not say this slot yet";
  run(a_mover().split(octet(0x40)));
  EXPECT_THAT(wrong(), IsEmpty());
}

// As before bounds were kept in the control database.
TEST_P(ranges, AClusterOfAnOlderVersionGetsItsBounds) {
  if (GetParam() == db::dialect::sqlite) GTEST_SKIP() << "SQLite drops no column of which a trigger knows";
  if (!make_ids()) GTEST_SKIP() << skipped;
  add(0x10, 3), add(0x70, 3), add(0x90, 3);
  run(control_->script("drop table sharding_bounds; drop table sharding_splits"));
  for (std::uint32_t n = 0; n < 2; ++n)
    run(all_->node(n).script("alter table sharding_slots drop column high, drop column into_slot"));
  try {
    run(another()->check());
    ADD_FAILURE() << "started";
  } catch (startup_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("run `slipway sharding init`"));
  }
  run(another()->init(all_tables()));
  run(a_mover().split(octet(0x40)));
  run(a_mover().move(2, 1));
  EXPECT_THAT(wrong(), IsEmpty());
}

// Numbers and text have bounds of their own kind on every engine.
TEST_P(ranges, NumbersAndTextAreSplitAsTheyOrder) {
  if (!make(GetParam(), 2, 2, [](settings& s) {
        s.strategy = strategy::range;
        s.range_keys = key_kind::id;
        s.ranges = {"0x80"};
      }))
    GTEST_SKIP() << skipped;
  struct example {
    key_kind keys;
    char const *type, *bound;
    std::vector<std::string> below, above;
  };
  auto const max = std::to_string(std::numeric_limits<std::int64_t>::max());
  for (auto const& each :
       {example{key_kind::number, "bigint", "-5", {"-9223372036854775807", "-6"}, {"-5", "-1", "0", max}},
        example{key_kind::number, "bigint", "0x80000000000001", {"-1", "0", "255"}, {"256", "1000"}},
        example{key_kind::text, "varchar(20)", "m", {"''", "'Zoe'", "'lz'"}, {"'m'", "'ma'", "'z'", "'\u00e4'"}}}) {
    table const t{table_settings{.name = "things", .by = "label"}};
    auto const octets = key::of_text(each.bound, each.keys)->octets();
    auto& node = all_->node(0);
    run(node.script(fmt::format("create table things (id bigint primary key, slot bigint not null, label {} not null)",
                                each.type)));
    int id = 0;
    for (auto const* part : {&each.below, &each.above})
      for (auto const& value : *part)
        run(node.execute(
            fmt::format("insert into things values ({}, {}, {})", ++id, part == &each.above ? 1 : 0, value)));
    auto const found =
        run(node.query(fmt::format("select count(*) from things where {0} >= $1 and slot = 1 or not {0} >= "
                                   "$1 and slot = 0",
                                   octets_in(t, GetParam())),
                       {bound_in(octets, each.keys, GetParam())}));
    EXPECT_EQ(found[0].get<int>(0), id) << each.bound;
    // What a slot that is merged into another refuses.
    auto const all = run(node.query(fmt::format("select count(*) from things where {} >= $1", octets_in(t, GetParam())),
                                    {bound_in("", each.keys, GetParam())}));
    EXPECT_EQ(all[0].get<int>(0), id);
    run(node.script("drop table things"));
  }
}

}  // namespace
}  // namespace slipway::sharding::tests
