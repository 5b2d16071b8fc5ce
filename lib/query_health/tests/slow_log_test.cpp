// A slow statement is told with its line, its plan and advice; fast ones are not, and too many are counted.
#include "../../core/tests/temporary_folder.hpp"
#include "fixture.hpp"

#include <slipway/core/random.hpp>
#include <slipway/query_health/slow_log.hpp>

#include <filesystem>

namespace slipway::query_health {
namespace {

using namespace db::tests;
using testing::HasSubstr;
using testing::IsEmpty;

class slow_statements : public testing::TestWithParam<db::dialect> {
 protected:
  void SetUp() override {
    std::string why_not;
    database_.url =
        GetParam() == db::dialect::sqlite ? "sqlite:" + folder() + "/app.db" : database_for(GetParam(), why_not);
    if (database_.url.empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    limits_.threshold = std::chrono::milliseconds{1};
    limits_.many_rows = 1'000;
    db::database plain{db::connect(database_, shards_)};
    shards_.run(plain.script(schema(GetParam())));
    std::vector<counter> rows;
    for (int i = 0; i < 60'000; ++i) rows.push_back({.name = "n" + std::to_string(i), .value = i});
    shards_.run(plain.insert_many(std::move(rows)));
    if (GetParam() == db::dialect::postgres) shards_.run(plain.script("analyze counters"));
    if (GetParam() == db::dialect::mysql) shards_.run(plain.script("analyze table counters"));
  }
  void TearDown() override {
    db_.reset();
    slow_.reset();
  }
  std::string const& folder() { return folder_.emplace("slow").path(); }
  void open() {
    slow_ = std::make_unique<slow_log>(slow_log::parts{.limits = limits_,
                                                       .database = database_,
                                                       .tell = [this](slow_statement const& s) { told(s); },
                                                       .random = random_});
    auto watched = database_;
    watched.watch = slow_.get();
    db_.reset(new db::database{db::connect(watched, shards_)});
  }
  void told(slow_statement const& s) {
    std::lock_guard const lock{mutex_};
    told_.push_back(s);
    changed_.notify_all();
  }
  std::vector<slow_statement> wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return told_.size() >= count; });
    return told_;
  }
  static task<> planted(db::database& d, std::int64_t value) {
    co_await d.from<counter>().where(db::col<&counter::value> == value).all();  // the planted line
  }
  static constexpr unsigned planted_line = __LINE__ - 2;

  settings limits_;
  random_source* random_ = nullptr;
  db::settings database_;
  shards shards_{1};
  std::unique_ptr<slow_log> slow_;
  std::unique_ptr<db::database> db_;
  std::optional<slipway::tests::temporary_folder> folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<slow_statement> told_;
};

TEST_P(slow_statements, are_told_with_their_line_their_plan_and_the_missing_index) {
  open();
  shards_.run(planted(*db_, 424242));
  auto const all = wait_for(1);
  ASSERT_EQ(all.size(), 1u);
  auto const& one = all[0];
  EXPECT_THAT(one.place, HasSubstr("slow_log_test.cpp:" + std::to_string(planted_line)));
  EXPECT_THAT(one.sql, HasSubstr("counters"));
  EXPECT_THAT(one.sql + one.plan, testing::Not(HasSubstr("424242"))) << "no parameter is told";
  EXPECT_GE(one.took, std::chrono::milliseconds{1});
  EXPECT_THAT(one.plan, HasSubstr("counters")) << one.no_plan;
  ASSERT_EQ(one.advised.size(), 1u) << one.plan;
  EXPECT_EQ(one.advised[0].table, "counters");
  EXPECT_THAT(one.advised[0].columns, testing::ElementsAre("value"));

  shards_.run(planted(*db_, 1));
  auto const again = wait_for(2);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_THAT(again[1].plan, IsEmpty()) << "the same plan again within the hour helps nobody";
  EXPECT_EQ(slow_->recent().size(), 2u);
}

TEST_P(slow_statements, that_come_too_fast_are_counted) {
  limits_.per_minute = 2;
  limits_.explain = false;
  open();
  for (int i = 0; i < 10; ++i) shards_.run(planted(*db_, i));
  EXPECT_EQ(wait_for(2).size(), 2u);
  EXPECT_EQ(slow_->count(), 10u);
}

TEST_P(slow_statements, are_told_in_part_when_a_sample_will_do) {
  constexpr std::size_t asked = 20;
  seeded_random chance{7}, same{7};
  std::size_t chosen = 0, last = 0;
  for (std::size_t i = 1; i <= asked; ++i)
    if (same.below(1'000'000) < 300'000) ++chosen, last = i;
  ASSERT_GT(chosen, 0u);
  ASSERT_LT(chosen, asked);
  random_ = &chance;
  limits_.sample = 0.3;
  limits_.explain = false;
  open();
  for (std::size_t i = 0; i < asked; ++i) shards_.run(planted(*db_, static_cast<std::int64_t>(i)));
  auto const all = wait_for(chosen);
  EXPECT_EQ(all.size(), chosen);
  EXPECT_EQ(slow_->count(), asked);
  auto accounted = all.size();
  for (auto const& each : all) accounted += each.left_out;
  EXPECT_EQ(accounted, last) << "each says how many before it were left out";
}

TEST_P(slow_statements, are_not_told_when_they_are_fast_or_nobody_wants_to_know) {
  limits_.threshold = std::chrono::hours{1};
  open();
  shards_.run(planted(*db_, 1));
  limits_.threshold = std::chrono::milliseconds{0};
  open();
  shards_.run(planted(*db_, 1));
  EXPECT_EQ(slow_->count(), 0u);
}

TEST_P(slow_statements, without_a_plan_say_why) {
  if (GetParam() == db::dialect::sqlite) GTEST_SKIP() << "a file is always there";
  open();
  auto const good =
      std::exchange(database_.url, GetParam() == db::dialect::mysql ? "mysql://root@127.0.0.1:1/none"
                                                                    : "postgres://nobody@127.0.0.1:1/none");
  slow_log lost{{.limits = limits_, .database = database_, .tell = [this](slow_statement const& s) { told(s); }}};
  db::settings watched;
  watched.url = good;
  watched.watch = &lost;
  db::database other{db::connect(watched, shards_)};
  shards_.run(planted(other, 1));
  auto const all = wait_for(1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0].plan, IsEmpty());
  EXPECT_THAT(all[0].no_plan, HasSubstr("127.0.0.1:1"));
}

INSTANTIATE_TEST_SUITE_P(engines, slow_statements, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::query_health
