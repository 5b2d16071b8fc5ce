// Routing, refusals and moves, on both engines.
#include "clusters.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/sharding/progress.hpp>

#include <fmt/format.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <utility>

namespace slipway::sharding::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(on, clusters, testing::Values(db::dialect::sqlite, db::dialect::postgres),
                         db::tests::engine_name);

TEST_P(clusters, RowsLieOnTheNodeOfTheirKey) {
  if (!make(GetParam(), 3, 12)) GTEST_SKIP() << skipped;
  for (std::uint32_t slot = 0; slot < 12; ++slot) {
    auto const c = run(with_entries(customer_in(slot), 2));
    EXPECT_EQ(c.slot, slot);
    EXPECT_EQ(run(all_->locate(c.id)).node, slot / 4);
    EXPECT_EQ(run(entries_of(c.id)), 2);
  }
  for (std::uint32_t node = 0; node < 3; ++node) {
    EXPECT_EQ(run(count(node, "customers")), 4);
    EXPECT_EQ(run(count(node, "entries")), 8);
  }
  EXPECT_THAT(run(a_mover().verify()), IsEmpty());
}

TEST_P(clusters, ANodeRefusesWhatIsNotItsOwnWhoeverWrites) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 1));
  auto stranger = customer_in(0);
  try {
    run(all_->node(1).insert(stranger));
    ADD_FAILURE() << "written on the wrong node";
  } catch (db::error const& e) {
    EXPECT_TRUE(is_refusal(e)) << e.what();
  }
  EXPECT_EQ(run(count(1, "customers")), 0);
  EXPECT_THROW(run(all_->node(0).execute("update customers set slot = 1")), db::error);
  EXPECT_THROW(run(all_->node(0).execute("insert into entries select id, customer_id, 9, number from entries")),
               db::error);
  if (GetParam() == db::dialect::postgres) EXPECT_THROW(run(all_->node(0).execute("truncate entries")), db::error);
  EXPECT_EQ(run(count(0, "entries")), 1);
}

TEST_P(clusters, ARowCannotChangeTheKeyThatDecidesWhereItLies) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 1));
  auto const other = run(all_->insert(customer_in(0)));  // in the same slot, which makes no difference
  auto row = run(all_->read(c.id, [&](db::session& in) { return in.from<entry>().first(); })).value();
  auto const change = [&] { run(all_->write(c.id, [&](db::transaction& tx) -> task<> { co_await tx.update(row); })); };
  auto const refused = [&](std::function<void()> const& work) {
    try {
      work();
      ADD_FAILURE() << "changed";
    } catch (db::error const& e) {
      EXPECT_THAT(e.what(), HasSubstr("a row of entries cannot change customer_id, which decides where it lies"));
      EXPECT_FALSE(is_refusal(e)) << "no other node would take it";
    }
  };
  row.customer_id = other.id;
  refused(change);
  refused([&] { run(all_->node(0).execute("update entries set customer_id = $1", {other.id.value})); });
  refused([&] {
    run(all_->write(c.id, [&](db::transaction& tx) -> task<> { co_await tx.upsert(row, db::col<&entry::id>); }));
  });
  row.customer_id = c.id;
  row.number = 5;
  change();
  EXPECT_EQ(run(entries_of(c.id)), 1);
  EXPECT_EQ(run(entries_of(other.id)), 0);
}

// Under one primary key, which a move takes for one row.
TEST_P(clusters, ARowThatIsRemovedAndComesBackWithAnotherKeyMovesAsItIs) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 3));
  auto const other = run(all_->insert(customer_in(0)));
  auto m = a_mover({.on_step = [&](std::string_view step) {
    if (step != "measure") return;  // all rows have been copied
    meanwhile([&]() -> task<> {
      co_await all_->write(c.id, [&](db::transaction& tx) -> task<> {
        auto row = (co_await tx.from<entry>().first()).value();
        co_await tx.execute("delete from entries where id = $1", {row.id.value});
        row.customer_id = other.id;
        co_await tx.insert(row);
      });
    });
  }});
  EXPECT_EQ(run(m.move(0, 1)).rows, 5);
  EXPECT_EQ(run(entries_of(c.id)), 2);
  EXPECT_EQ(run(entries_of(other.id)), 1);
}

TEST_P(clusters, VerifyTellsOfATableWhoseGuardIsGoneOrOld) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const is_sqlite = GetParam() == db::dialect::sqlite;
  EXPECT_THAT(run(a_mover().verify()), IsEmpty());
  run(all_->node(1).script(is_sqlite ? "drop trigger sharding_insert_entries"
                                     : "drop trigger sharding_guard on entries"));
  // As it was before it looked at keys.
  table older{table_settings{.name = "customers", .by = ""}};
  older.by = "name";
  run(all_->node(0).script(guard_schema(older, GetParam(), strategy::hash)));
  EXPECT_THAT(run(a_mover().verify()),
              testing::ElementsAre(HasSubstr("a has no guard on customers, or one of another version: run `slipway "
                                             "sharding init`"),
                                   HasSubstr("b has no guard on entries")));
  run(all_->init(all_tables()));
  EXPECT_THAT(run(a_mover().verify()), IsEmpty());
}

TEST_P(clusters, ASlotMovesWithAllItsRowsAndIsCleanedUpLater) {
  // Longer than a move takes, on a machine that is busy.
  auto const knows_for = [](settings& s) { s.refresh = s.max_age = std::chrono::milliseconds{3'000}; };
  if (!make(GetParam(), 2, 4, knows_for)) GTEST_SKIP() << skipped;
  auto const moved = run(with_entries(customer_in(0), 55));
  auto nothing = customer_in(0);
  nothing.extra = json::value{};  // JSON's null, which is not SQL's
  nothing = run(all_->insert(nothing));
  auto const stays = run(with_entries(customer_in(1), 5));
  auto before = another();  // a process that learns nothing
  run(before->refresh());
  auto m = a_mover();
  auto const report = run(m.move(0, 1));
  EXPECT_EQ(report.rows, 57);
  EXPECT_EQ(run(all_->locate(moved.id)).node, 0u) << "known as long as settings::refresh";
  EXPECT_EQ(run(entries_of(moved.id)), 55) << "reads find out";
  EXPECT_EQ(run(all_->locate(moved.id)).node, 1u);
  EXPECT_EQ(run(entries_of(stays.id)), 5);

  // Who still believes in the old place is refused there, and finds its way.
  auto old_place = run(before->of(moved.id));
  EXPECT_THROW(run(old_place->execute("update customers set balance = 7 where slot = 0")), db::error);
  auto changed = run(before->write(moved.id, [&](db::transaction& tx) -> task<result<customer>> {
    auto row = co_await ok(tx.find<customer>(moved.id));
    row.balance = 8;
    co_return co_await tx.update(row);
  }));
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(changed->balance, 8);

  EXPECT_EQ(run(m.clean()), 1u) << "too young";
  EXPECT_EQ(run(count(0, "customers")), 3);
  while (run(m.clean()) > 0) run(sleep_for(std::chrono::milliseconds{100}));
  EXPECT_EQ(run(count(0, "customers")), 1);
  EXPECT_EQ(run(count(0, "entries")), 5);
  EXPECT_EQ(run(count(1, "entries")), 55);
  EXPECT_THAT(run(progress_of(*all_)), IsEmpty());
  EXPECT_THAT(run(m.verify()), IsEmpty());

  EXPECT_EQ(run(m.move(0, 0)).rows, 57) << "and back";
  EXPECT_TRUE(
      run(all_->read(nothing.id, [&](db::session& in) { return in.find<customer>(nothing.id); }))->extra.is_null());
  EXPECT_EQ(run(entries_of(moved.id)), 55);
}

TEST_P(clusters, AMoveThatDiesAtAnyStepIsTakenUp) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 90));
  struct stopped {};
  unsigned deaths = 0;
  for (unsigned at = 1;; ++at) {
    unsigned steps = 0;
    auto m = a_mover({.on_step = [&](std::string_view) {
      if (++steps == at) throw stopped{};
    }});
    try {
      run(m.move(0, 1));
      break;
    } catch (stopped const&) {
      ++deaths;
    }
    // In between somebody works: it is neither lost nor in the way.
    run(all_->write(c.id, [&](db::transaction& tx, std::uint32_t slot) -> task<> {
      co_await tx.insert(entry{.customer_id = c.id, .slot = slot, .number = 1'000});
      co_await tx.execute("delete from entries where slot = 0 and number = $1", {at});
      co_await tx.execute("update customers set balance = balance + 1 where slot = 0");
    }));
  }
  EXPECT_GE(deaths, 10u);
  EXPECT_EQ(run(entries_of(c.id)), 90);  // one more and one less each time, of the first 90
  auto const now = run(all_->read(c.id, [&](db::session& in) { return in.find<customer>(c.id); }));
  EXPECT_EQ(now->balance, deaths);
  EXPECT_EQ(run(all_->locate(c.id)).node, 1u);
  auto m = a_mover();
  while (run(m.clean()) > 0) run(sleep_for(std::chrono::milliseconds{100}));
  EXPECT_THAT(run(m.verify()), IsEmpty());
  EXPECT_EQ(run(count(0, "entries")), 0);
}

TEST_P(clusters, AMoveIsGivenUp) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 30));
  struct stopped {};
  auto dying = a_mover({.on_step = [](std::string_view step) {
    if (step == "compare") throw stopped{};
  }});
  EXPECT_THROW(run(dying.move(0, 1)), stopped);
  EXPECT_EQ(run(count(1, "entries")), 30);
  auto m = a_mover();
  EXPECT_THAT(run(progress_of(*all_)), testing::SizeIs(1));
  run(m.give_up(0));
  EXPECT_EQ(run(count(1, "entries")), 0);
  EXPECT_EQ(run(entries_of(c.id)), 30);
  EXPECT_THAT(run(m.verify()), IsEmpty());
  EXPECT_THROW(run(m.give_up(0)), startup_error);
}

TEST_P(clusters, WhatDiffersIsNotHandedOver) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 3));
  // Somebody's own trigger on the target spoils what is written.
  run(all_->node(1).script(
      GetParam() == db::dialect::sqlite
          ? "create trigger spoil after insert on entries begin update entries set number = 77 where id = new.id; end"
          : "create function spoil() returns trigger language plpgsql as $$ begin new.number := 77; return new; end $$;"
            "create trigger spoil before insert on entries for each row execute function spoil();"));
  auto m = a_mover();
  try {
    run(m.move(0, 1));
    ADD_FAILURE() << "handed over";
  } catch (startup_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("entries differs"));
  }
  // The source goes on.
  run(all_->write(c.id,
                  [](db::transaction& tx) { return tx.execute("update customers set balance = 1 where slot = 0"); }));
  EXPECT_EQ(run(all_->locate(c.id)).node, 0u);
  run(m.give_up(0));
  EXPECT_THAT(run(m.verify()), IsEmpty());
}

TEST_P(clusters, ANodeIsAddedAndGetsItsShare) {
  if (!make(GetParam(), 2, 9)) GTEST_SKIP() << skipped;
  std::vector<customer> all;
  for (std::uint32_t slot = 0; slot < 9; ++slot) all.push_back(run(with_entries(customer_in(slot), 3)));
  std::string why;
  auto const url = GetParam() == db::dialect::sqlite ? "sqlite:" + (directory_ / "new.db").string()
                                                     : db::tests::database_for(GetParam(), why);
  settings_.nodes.push_back({"new", url});
  auto grown = another();
  EXPECT_THROW(run(grown->check()), startup_error) << "not set up";
  run(grown->node(2).script(schema_of(GetParam())));
  run(grown->init(all_tables()));
  mover m{*grown, all_tables()};
  auto const plan = plan_moves(*run(grown->refresh()), 3);
  EXPECT_EQ(plan.size(), 3u);
  for (auto const& each : plan) run(m.move(each.slot, each.target));
  for (auto const& c : all) {
    auto const found = run(grown->read(c.id, [&](db::session& in) { return in.find<customer>(c.id); }));
    EXPECT_TRUE(found.has_value());
  }
  EXPECT_THROW(run(all_->refresh()), unavailable_error) << "who does not know the new node says so";
}

TEST_P(clusters, WrongUrlsAndSettingsAreNoticed) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  std::swap(settings_.nodes[0].url, settings_.nodes[1].url);
  EXPECT_THROW(run(another()->check()), startup_error);
  std::swap(settings_.nodes[0].url, settings_.nodes[1].url);
  settings_.slots = 8;
  EXPECT_THROW(run(another()->check()), startup_error);
  settings_.slots = 4;
  run(another()->check());
  // A database that was lost does not come back empty and call itself the owner.
  run(all_->node(0).script("drop table sharding_node; drop table sharding_slots"));
  EXPECT_THROW(run(another()->init(all_tables())), startup_error);
}

TEST_P(clusters, KeysThatAreNotWhatTheSettingsSayAreRefusedBeforeAnythingIsMade) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  settings_.strategy = strategy::range;
  settings_.range_keys = key_kind::number;
  settings_.ranges = {"1", "2", "3"};
  try {
    run(another()->init(all_tables()));
    ADD_FAILURE() << "set up";
  } catch (startup_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("customers.id, the key of its model, is a UUID"));
  }
}

TEST_P(clusters, ColumnsOfTablesWithoutModelsAreWhatTheSettingsSay) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  run(
      all_->node(0).script("create table readings (id bigint primary key, slot bigint not null, who varchar(20), at "
                           "bigint, degrees double precision)"));
  auto const wrong = [&](key_kind keys, std::string by) -> std::string {
    settings s{.strategy = strategy::range, .range_keys = keys};
    try {
      run(check_columns(all_->node(0), s, {table{table_settings{.name = "readings", .by = std::move(by)}}}));
    } catch (setting_error const& e) {
      return e.setting() + "! " + e.what();
    }
    return "";
  };
  EXPECT_EQ(wrong(key_kind::text, "who"), "");
  EXPECT_EQ(wrong(key_kind::number, "at"), "");
  EXPECT_EQ(wrong(key_kind::number, ""), "") << "nobody said it";
  EXPECT_THAT(wrong(key_kind::id, "who"), testing::StartsWith("sharding.range_keys! sharding.range_keys is id, but "
                                                              "readings.who, by which sharding.tables shards"));
  EXPECT_THAT(wrong(key_kind::text, "at"), HasSubstr("Set sharding.range_keys to number"));
  EXPECT_THAT(wrong(key_kind::number, "degrees"), testing::StartsWith("sharding.strategy! "));
  EXPECT_THAT(wrong(key_kind::text, "whom"), testing::StartsWith("sharding.tables! sharding.tables: the table readings "
                                                                 "has no column whom"));
  settings const s{.strategy = strategy::range, .range_keys = key_kind::id};
  run(check_columns(all_->node(0), s, tables_without_models()));
  run(check_columns(all_->node(0), s, {table{table_settings{.name = "elsewhere", .by = "id"}}}));
}

// As the first version made it.
TEST_P(clusters, AClusterOfAnOlderVersionSaysWhatToDoAndGetsItsColumns) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 3));
  run(control_->script("alter table sharding_moves drop column copied"));
  try {
    run(another()->check());
    ADD_FAILURE() << "started";
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::data);
    EXPECT_THAT(e.what(), HasSubstr("sharding_moves.copied"));
    EXPECT_THAT(e.what(), HasSubstr("run `slipway sharding init`"));
  }
  run(another()->init(all_tables()));
  run(another()->check());
  EXPECT_EQ(run(a_mover().move(0, 1)).rows, 4);
  EXPECT_EQ(run(entries_of(c.id)), 3);
}

}  // namespace
}  // namespace slipway::sharding::tests
