#include <slipway/core/one_shot.hpp>
#include <slipway/health/health.hpp>
#include <slipway/runtime/blocking_pool.hpp>
#include <slipway/runtime/shards.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <semaphore>
#include <stdexcept>

namespace slipway::health {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

task<> well(std::atomic<int>& asked) {
  ++asked;
  co_return;
}
task<> ill(std::string why) {
  throw std::runtime_error{why};
  co_return;
}
task<> slow() { co_await sleep_for(std::chrono::hours{1}); }

struct Health : testing::Test {
  shards on{2};
  manual_clock clock{time_point{}};
  monitor health{on[0], {.keep = 1s, .default_timeout = 5s}, clock};
  std::atomic<int> asked{0};
  report ready() { return on.run(health.ready()); }
  void TearDown() override { on.run(health.stop()); }
};

TEST_F(Health, TellsThreeStoriesApart) {
  health.add("database", 0ms, true, [] { return ill("down"); });
  EXPECT_TRUE(health.live().serves());
  EXPECT_FALSE(health.startup().serves());
  EXPECT_EQ(ready().reason, "starting");
  health.started();
  EXPECT_TRUE(health.startup().serves());
  EXPECT_FALSE(ready().serves());
  EXPECT_EQ(ready().reason, "");
  EXPECT_TRUE(health.live().serves());  // an outage of the database restarts nobody
}

TEST_F(Health, IsReadyWhenAllAreWell) {
  health.add("database", 0ms, true, [this] { return well(asked); });
  health.add("cache", 0ms, false, [this] { return well(asked); });
  health.started();
  auto const r = ready();
  EXPECT_EQ(r.status, state::up);
  ASSERT_EQ(r.checks.size(), 2u);
  EXPECT_EQ(r.checks[0].name, "database");
  EXPECT_EQ(r.checks[0].status, state::up);
  EXPECT_EQ(asked, 2);
}

TEST_F(Health, IsDegradedWhenSomethingThatIsNotCriticalIsDown) {
  health.add("database", 0ms, true, [this] { return well(asked); });
  health.add("mail", 0ms, false, [] { return ill("cannot connect to smtp://user:hunter2@mail:25"); });
  health.started();
  auto const r = ready();
  EXPECT_EQ(r.status, state::degraded);
  EXPECT_TRUE(r.serves());
  EXPECT_EQ(r.checks[1].status, state::down);
  EXPECT_THAT(r.checks[1].detail, HasSubstr("smtp://***@mail:25"));
  EXPECT_EQ(r.without_details().checks[1].detail, "");
}

TEST_F(Health, UsesAnAnswerAgainForAWhile) {
  health.add("database", 0ms, true, [this] { return well(asked); });
  health.started();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(ready().serves());
  EXPECT_EQ(asked, 1);
  clock.advance(999ms);
  EXPECT_EQ(ready().checks[0].age, 999ms);
  EXPECT_EQ(asked, 1);
  clock.advance(1ms);
  ready();
  EXPECT_EQ(asked, 2);
}

TEST_F(Health, TurnsUnreadyWhenItDrainsAndAsksNobody) {
  health.add("database", 0ms, true, [this] { return well(asked); });
  health.started();
  EXPECT_TRUE(ready().serves());
  clock.advance(5s);
  health.draining();
  auto const r = ready();
  EXPECT_FALSE(r.serves());
  EXPECT_EQ(r.reason, "draining");
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(health.live().serves());
}

TEST_F(Health, TellsACheckThatTakesTooLong) {
  health.add("database", 20ms, true, slow);
  health.add("cache", 0ms, true, [this] { return well(asked); });
  health.started();
  auto const r = ready();
  EXPECT_EQ(r.checks[0].status, state::down);
  EXPECT_EQ(r.checks[0].detail, "no answer within 20 ms");
  EXPECT_EQ(r.checks[1].status, state::up);
}

TEST_F(Health, DoesNotAskTwiceWhatHasNotComeBack) {
  blocking_pool pool{"stuck", {.threads = 1, .queue = 4}};
  std::binary_semaphore release{0};
  health.add("disk", 20ms, true, [&]() -> task<> {
    ++asked;
    return pool.run([&release] { release.acquire(); });  // heeds no cancellation
  });
  health.started();
  EXPECT_EQ(ready().checks[0].detail, "no answer within 20 ms");
  clock.advance(2s);
  auto const again = ready();
  EXPECT_EQ(again.checks[0].detail, "the last check has not come back");
  EXPECT_EQ(asked, 1);
  release.release();
  release.release();
  clock.advance(2s);
  // It has come back by the time that the pool is idle, so the next question asks anew.
  on.run([](blocking_pool& p) -> task<> { co_await p.run([] {}); }(pool));
  EXPECT_EQ(ready().checks[0].status, state::up);
  EXPECT_EQ(asked, 2);
}

task<report> ready_on(monitor& m, std::atomic<int>& done, int all, std::binary_semaphore& finished) {
  auto r = co_await m.ready();
  if (++done == all) finished.release();
  co_return r;
}
task<> drop(task<report> inner) { co_await std::move(inner); }

TEST_F(Health, AsksOnceForManyWhoWaitOnAllShards) {
  health.add("database", 0ms, true, [this]() -> task<> {
    ++asked;
    return sleep_for(20ms);
  });
  health.started();
  std::atomic<int> done{0};
  std::binary_semaphore finished{0};
  for (int i = 0; i < 40; ++i) on[static_cast<unsigned>(i) % 2].spawn(drop(ready_on(health, done, 40, finished)));
  finished.acquire();
  EXPECT_EQ(asked, 1);
}

task<> cancelled_probe(monitor& m, context& operation, bool& thrown) {
  co_await detail::with_context{&operation};
  try {
    (void)co_await m.ready();
  } catch (cancelled_error const&) {
    thrown = true;
  }
}

TEST_F(Health, LetsAProbeGoThatWasCancelled) {
  health.add("database", 0ms, true, [] { return sleep_for(50ms); });
  health.started();
  bool thrown = false;
  on.run([](monitor& m, bool& t) -> task<> {
    context operation;
    start_detached(cancelled_probe(m, operation, t));
    operation.cancel(cancel_reason::client_gone);
    co_return;
  }(health, thrown));
  EXPECT_TRUE(thrown);
  EXPECT_TRUE(ready().serves());  // the check itself went on
}

TEST_F(Health, StopsWhatRuns) {
  std::binary_semaphore running{0};
  health.add("database", std::chrono::minutes{1}, true, [&running]() -> task<> {
    running.release();
    return slow();
  });
  health.started();
  std::atomic<int> done{0};
  std::binary_semaphore finished{0};
  on[1].spawn(drop(ready_on(health, done, 1, finished)));
  running.acquire();
  on.run(health.stop());
  finished.acquire();
  EXPECT_EQ(health.last().checks[0].detail, "the process is stopping");
}

TEST_F(Health, RefusesTwoChecksOfOneName) {
  health.add("a", 0ms, true, slow);
  EXPECT_THROW(health.add("a", 0ms, true, slow), std::invalid_argument);
}

TEST(SafeDetail, MasksCredentials) {
  EXPECT_EQ(safe_detail("connect postgres://app:s3cret@db:5432/x failed"), "connect postgres://***@db:5432/x failed");
  EXPECT_EQ(safe_detail("host=db password=s3cret user=app"), "host=db password=*** user=app");
  EXPECT_EQ(safe_detail("PASSWORD = 's3 cret' rest"), "PASSWORD = *** rest");
  EXPECT_EQ(safe_detail("{\"token\": \"abc\", \"x\": 1}"), "{\"token\": ***, \"x\": 1}");
  EXPECT_EQ(safe_detail("Authorization: Bearer abc.def ok"), "Authorization: *** ok");
  EXPECT_EQ(safe_detail("the password is wrong"), "the password is wrong");
  EXPECT_EQ(safe_detail("https://db/x?access_token=abc&y=1"), "https://db/x?access_token=***&y=1");
  EXPECT_EQ(safe_detail("a\nb\x01"), "a b ");
  EXPECT_THAT(safe_detail("postgres://u:p@a:1,u2:p@ss@b:2/x"), Not(HasSubstr("p@ss")));
  EXPECT_EQ(safe_detail(std::string(500, 'x')).size(), 203u);
  EXPECT_EQ(safe_detail(std::string(199, 'x') + "\xc3\xa4\xc3\xa4"), std::string(199, 'x') + "...");
}

}  // namespace
}  // namespace slipway::health
