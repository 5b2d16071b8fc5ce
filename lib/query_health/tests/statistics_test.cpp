// How the database is, taken by one of two.
#include "fixture.hpp"

#include <slipway/query_health/statistics.hpp>

namespace slipway::query_health {
namespace {

using namespace db::tests;

class statistics_of : public each_engine {};

bool eventually(std::function<bool()> const& holds) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{15};
  while (std::chrono::steady_clock::now() < until) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return false;
}

TEST_P(statistics_of, tell_the_size_and_the_tables_that_waste) {
  auto const all = run(take_statistics(*db_));
  ASSERT_TRUE(all);
  EXPECT_GT(all->size_bytes, 0u);
  EXPECT_GE(all->tables.size(), 1u);
}

TEST_P(statistics_of, are_taken_by_one_process_at_a_time) {
  if (GetParam() == db::dialect::sqlite) GTEST_SKIP() << "one file, one process";
  shards others{1};
  auto second = std::unique_ptr<db::database>{new db::database{db::connect(settings_, others)}};
  ASSERT_TRUE(run(take_statistics(*db_)));
  EXPECT_FALSE(others.run(take_statistics(*second)));
  EXPECT_TRUE(run(take_statistics(*db_))) << "whoever has the lock keeps it";
  db_.reset();
  EXPECT_TRUE(eventually([&] { return others.run(take_statistics(*second)).has_value(); }));
}

TEST_P(statistics_of, are_taken_of_every_database_of_a_server) {
  if (GetParam() == db::dialect::sqlite) GTEST_SKIP() << "one file, one database";
  shards others{1};
  auto neighbour = settings_;
  std::string why_not;
  neighbour.url = database_for(GetParam(), why_not);
  auto const second = std::unique_ptr<db::database>{new db::database{db::connect(neighbour, others)}};
  EXPECT_TRUE(run(take_statistics(*db_)));
  EXPECT_TRUE(others.run(take_statistics(*second)));
}

TEST_P(statistics_of, tell_of_dead_rows_and_of_transactions_that_do_not_end) {
  if (GetParam() != db::dialect::postgres) GTEST_SKIP() << "others have no dead rows";
  run(db_->script(
      "insert into counters (name, value) select 'n' || n, n from generate_series(1, 20000) n; analyze counters"));
  run(db_->script("alter table counters set (autovacuum_enabled = false); delete from counters where value > 100"));
  EXPECT_TRUE(eventually([&] {
    auto const all = run(take_statistics(*db_));
    auto const found = std::ranges::find(all->tables, "counters", &table_statistics::name);
    return found != all->tables.end() && found->dead_rows > 15'000;
  }));
  run(db_->script("analyze counters"));
  auto const wasted = [&] {
    auto const all = run(take_statistics(*db_));
    return std::ranges::find(all->tables, "counters", &table_statistics::name)->wasted_bytes;
  };
  EXPECT_GT(wasted(), 500'000u);
  run(db_->script("vacuum full counters"));
  run(db_->script("analyze counters"));
  EXPECT_LT(wasted(), 100'000u);
  auto const stuck = [](db::database& d) -> task<std::int64_t> {
    co_return co_await d.transaction([&d](db::transaction& tx) -> task<std::int64_t> {
      co_await tx.query("select 1");
      co_await tx.query("select pg_sleep(1.2)");
      co_return (co_await take_statistics(d))->oldest_transaction.count();
    });
  };
  EXPECT_GE(run(stuck(*db_)), 1);
}

TEST_P(statistics_of, are_sampled_on_a_thread_and_a_failure_is_told_once) {
  if (GetParam() == db::dialect::sqlite) GTEST_SKIP() << "in memory";
  std::atomic<int> told{0};
  {
    statistics_sampler sampler{settings_, std::chrono::milliseconds{20}, [&](std::string const&) { ++told; }};
    EXPECT_TRUE(eventually([&] { return sampler.last().has_value(); }));
  }
  EXPECT_EQ(told, 0);
  auto wrong = settings_;
  wrong.url = GetParam() == db::dialect::mysql ? "mysql://root@127.0.0.1:1/none" : "postgres://nobody@127.0.0.1:1/none";
  statistics_sampler lost{wrong, std::chrono::milliseconds{20}, [&](std::string const&) { ++told; }};
  EXPECT_TRUE(eventually([&] { return told == 1; }));
  EXPECT_FALSE(lost.last());
  statistics_sampler never{settings_, std::chrono::milliseconds{0}, [&](std::string const&) { ++told; }};
  EXPECT_FALSE(never.last());
}

INSTANTIATE_TEST_SUITE_P(engines, statistics_of, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::query_health
