// Moves on PostgreSQL, where transactions run beside each other: fences, locks, movers that die, values of every type.
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

class postgres_clusters : public clusters {};
INSTANTIATE_TEST_SUITE_P(on, postgres_clusters, testing::Values(db::dialect::postgres), db::tests::engine_name);

TEST_P(postgres_clusters, ATransactionThatIsOpenIsWaitedFor) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 3));
  std::binary_semaphore wrote{0};
  std::jthread slow;
  auto const write_slowly = [&] {
    shards own{1};
    auto there = db::connect({.url = settings_.nodes[0].url}, own);
    own.run(there.transaction([&](db::transaction& tx) -> task<> {
      co_await tx.insert(entry{.customer_id = c.id, .slot = 0, .number = 99});
      wrote.release();
      co_await tx.query("select pg_sleep(0.2)::text");
    }));
  };
  auto m = a_mover({.on_step = [&](std::string_view step) {
    if (step != "fence" || slow.joinable()) return;
    slow = std::jthread{write_slowly};
    wrote.acquire();
  }});
  auto const report = run(m.move(0, 1));
  slow.join();
  EXPECT_GE(report.fenced.count(), 100);
  EXPECT_EQ(run(entries_of(c.id)), 4);
}

// How values are written depends on settings of their sessions, which need not be the same on both nodes.
TEST_P(postgres_clusters, ValuesOfEveryTypeSurviveWhateverTheServersAreSetTo) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  char const* const columns =
      "alter table entries add f float8, add r real, add d date, add t timestamptz, add l timestamp, add b bytea, add "
      "i "
      "interval, add m money, add n numeric(20, 4), add a text[], add ts timestamptz[], add j json, add c char(5), add "
      "bits bit(3), add range tstzrange";
  char const* const set =
      "do $$ begin execute format('alter database %1$I set datestyle = %2$L', current_database(), '{}');"
      "execute format('alter database %1$I set intervalstyle = %2$L', current_database(), '{}');"
      "execute format('alter database %1$I set bytea_output = %2$L', current_database(), '{}');"
      "execute format('alter database %1$I set extra_float_digits = %2$L', current_database(), '{}');"
      "execute format('alter database %1$I set timezone = %2$L', current_database(), '{}'); end $$";
  for (std::uint32_t n = 0; n < 2; ++n) run(all_->node(n).script(columns));
  run(all_->node(0).script(fmt::format(fmt::runtime(set), "SQL, DMY", "sql_standard", "escape", "0", "Asia/Kolkata")));
  run(all_->node(1).script(fmt::format(fmt::runtime(set), "German", "iso_8601", "hex", "-2", "America/New_York")));
  all_ = another();  // with connections that have them
  auto const c = run(with_entries(customer_in(0), 3));
  run(all_->node(0).execute(
      "update entries set f = 0.1::float8 + 0.2::float8, r = 1.1, d = date '2026-03-04', t = timestamptz '2026-03-04 "
      "05:06:07.123456+00', l = timestamp '2026-03-04 05:06:07.123456', b = '\\x00ff5c', i = interval '-1 year 2 "
      "days -03:04:05.678', m = 12345.67::float8::numeric::money, n = 3.1400, a = array['a b', null, '{\"}'], ts = "
      "array[timestamptz '2026-03-04 05:06:07+00'], j = '{\"a\": 1.0}', c = 'ab', bits = b'101', range = "
      "tstzrange('2026-03-04 05:06+00', null) where number < 2"));
  auto const told = [&](std::uint32_t node) {
    return run(all_->node(node).transaction([](db::transaction& tx) -> task<std::string> {
      co_await tx.script(
          "set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; set local bytea_output = "
          "'hex'; set local extra_float_digits = 1; set local lc_monetary = 'C'");
      auto const found = co_await tx.query("select string_agg(e::text, ' ' order by number) from entries e");
      co_return found[0].get<std::string>(0);
    }));
  };
  auto const before = told(0);
  auto m = a_mover({.on_step = [&, is_noted = false](std::string_view step) mutable {
    if (step != "catch up" || std::exchange(is_noted, true)) return;
    std::jthread{[&] {  // what was noted goes another way
      shards own{1};
      auto there = db::connect({.url = settings_.nodes[0].url}, own);
      own.run(there.execute("update entries set number = number where slot = 0"));
    }}
        .join();
  }});
  EXPECT_EQ(run(m.move(0, 1)).rows, 4);
  EXPECT_EQ(told(1), before);
  EXPECT_THAT(before, HasSubstr("0.30000000000000004"));
}

// A table that others use on a node until `end`.
class locked_table {
 public:
  locked_table(std::string url, char const* name) {
    thread_ = std::jthread{[this, url = std::move(url), name] {
      shards own{1};
      auto there = db::connect({.url = url}, own);
      own.run(there.transaction([&](db::transaction& tx) -> task<> {
        co_await tx.execute(fmt::format("lock table {} in access exclusive mode", name));
        has_.release();
        while (!is_over_) co_await sleep_for(std::chrono::milliseconds{10});
      }));
    }};
    has_.acquire();
  }
  ~locked_table() { end(); }
  void end() { is_over_ = true; }

 private:
  std::atomic<bool> is_over_{false};
  std::binary_semaphore has_{0};
  std::jthread thread_;
};

TEST_P(postgres_clusters, NobodyWaitsLongerThanAFenceWhileRowsAreCompared) {
  constexpr std::chrono::milliseconds fence{300};
  if (!make(GetParam(), 2, 4, [&](settings& s) { s.fence = fence; })) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 3));
  std::unique_ptr<locked_table> in_use;
  unsigned fences = 0;
  auto m = a_mover({.on_step = [&](std::string_view step) {
    if (step == "compare" && !in_use) in_use = std::make_unique<locked_table>(settings_.nodes[1].url, "entries");
    if (step == "let go" && ++fences == 3) in_use->end();
  }});
  auto const report = run(m.move(0, 1));
  EXPECT_GE(report.fences, 4u);
  EXPECT_LT(report.fenced / report.fences, 2 * fence);
  EXPECT_EQ(run(entries_of(c.id)), 3);
}

TEST_P(postgres_clusters, ASlotThatCannotBeComparedWithinAFenceIsRefusedBeforeAnybodyWaits) {
  constexpr std::chrono::milliseconds fence{300};
  if (!make(GetParam(), 2, 4, [&](settings& s) { s.fence = fence; })) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 3));
  std::unique_ptr<locked_table> in_use;
  auto m = a_mover({.on_step = [&](std::string_view step) {
    if (step == "measure") in_use = std::make_unique<locked_table>(settings_.nodes[1].url, "entries");
    EXPECT_NE(step, "fence");
  }});
  try {
    run(m.move(0, 1));
    ADD_FAILURE() << "moved";
  } catch (unavailable_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("raise sharding.fence"));
  }
  ASSERT_TRUE(in_use);
  in_use->end();
  in_use.reset();
  EXPECT_EQ(run(entries_of(c.id)), 3);
  EXPECT_EQ(run(a_mover().move(0, 1)).rows, 4) << "taken up again";
}

TEST_P(postgres_clusters, AMoverThatWasTakenForDeadSpoilsNothing) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 60));
  auto other = another();
  bool has_finished = false;
  auto slow = a_mover({.on_step = [&](std::string_view step) {
    if (step != "release" || has_finished) return;
    // Another process finishes the move while this one stands still.
    std::binary_semaphore done{0};
    on_[1].spawn([](clusters& self, cluster& with, id_of<customer> id, std::binary_semaphore& end) -> task<> {
      (void)self;
      mover second{with, all_tables()};
      co_await second.move(0, 1);
      co_await with.write(
          id, [](db::transaction& tx) { return tx.execute("update customers set balance = 5 where slot = 0"); });
      end.release();
    }(*this, *other, c.id, done));
    done.acquire();
    has_finished = true;
  }});
  EXPECT_THROW(run(slow.move(0, 1)), startup_error);
  auto const now = run(all_->read(c.id, [&](db::session& in) { return in.find<customer>(c.id); }));
  EXPECT_EQ(now->balance, 5);
  EXPECT_EQ(run(entries_of(c.id)), 60);
  EXPECT_THAT(run(a_mover().verify()), IsEmpty());
}

TEST_P(postgres_clusters, HowFarAMoveIsCanBeSeenByEveryProcess) {
  if (!make(GetParam(), 2, 4)) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 60));
  auto const other = another();
  std::vector<move_progress> seen;
  std::size_t copies = 0;
  // From another shard, because this one is in the move.
  auto m = a_mover({.on_step = [&](std::string_view step) {
    std::binary_semaphore done{0};
    auto const writes = step == "copy" && ++copies == 3;
    on_[1].spawn([](cluster& with, id_of<customer> id, bool writes_now, std::vector<move_progress>& out,
                    std::binary_semaphore& end) -> task<> {
      if (writes_now)
        co_await with.write(id,
                            [](db::transaction& tx) { return tx.execute("update entries set number = number + 100"); });
      auto now = co_await progress_of(with);
      if (!now.empty()) out.push_back(std::move(now[0]));
      end.release();
    }(*other, c.id, writes, seen, done));
    done.acquire();
  }});
  EXPECT_THAT(run(progress_of(*all_)), IsEmpty());
  run(m.move(0, 1));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().phase, phase::beginning);
  EXPECT_EQ(seen.front().source, "a");
  EXPECT_EQ(seen.front().target, "b");
  std::int64_t most_copied = 0, most_pending = 0;
  bool is_handed_over = false;
  for (auto const& each : seen) {
    EXPECT_GE(each.copied, most_copied) << "it only grows";
    most_copied = std::max(most_copied, each.copied);
    most_pending = std::max(most_pending, each.pending);
    is_handed_over = is_handed_over || each.phase == phase::handing_over;
  }
  EXPECT_EQ(most_copied, 61);
  EXPECT_EQ(most_pending, 60);
  EXPECT_TRUE(is_handed_over);
  auto const after = run(progress_of(*all_));
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].phase, phase::kept);
}

TEST_P(postgres_clusters, AFenceWhoseMoverDiedIsLiftedByWhoeverWaits) {
  if (!make(GetParam(), 2, 4, [](settings& s) { s.fence = std::chrono::milliseconds{200}; })) GTEST_SKIP() << skipped;
  auto const c = run(with_entries(customer_in(0), 3));
  // As kill -9 leaves it.
  run(
      all_->node(0).execute("update sharding_slots set state = 'fenced', mover = 'dead', changed_at = "
                            "(extract(epoch from clock_timestamp()) * 1000000)::bigint where slot = 0"));
  run(all_->write(c.id,
                  [](db::transaction& tx) { return tx.execute("update customers set balance = 4 where slot = 0"); }));
  auto const noted = run(all_->node(0).query("select count(*) from sharding_changes"));
  EXPECT_EQ(noted[0].get<std::int64_t>(0), 1) << "it may be in the middle of a move";
}

}  // namespace
}  // namespace slipway::sharding::tests
