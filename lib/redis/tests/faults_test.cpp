// What networks and servers do wrong, under load: errors are clean, an answer never reaches another's request, and all
// is well again within five seconds.
#include "gate.hpp"
#include "server.hpp"

#include <slipway/core/one_shot.hpp>

#include <gmock/gmock.h>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using testing::HasSubstr;

namespace {

struct tally {
  std::atomic<std::uint64_t> good{0}, lost{0}, unavailable{0}, wrong{0}, other{0};
  std::atomic<unsigned> running{0};
  std::atomic<bool> ending{false};
  std::atomic<std::int64_t> last_good{0};
};

std::int64_t ticks() { return steady::now().time_since_epoch().count(); }

// Asks for what only it can be answered with.
task<> keep_asking(client& c, tally& t, unsigned who) {
  for (std::uint64_t n = 0; !t.ending; ++n) {
    auto const mine = std::to_string(who) + ":" + std::to_string(n) + ":" + std::string(n % 50, 'x');
    try {
      if (n % 3 == 0) {
        if ((co_await c.run(c.make("ECHO").arg(mine).reads())).text != mine) ++t.wrong;
      } else if (n % 3 == 1) {
        auto const key = "k" + std::to_string(who) + "-" + std::to_string(n % 10);
        co_await c.set(key, key);
      } else {
        auto const key = "k" + std::to_string(who) + "-" + std::to_string((n - 1) % 10);
        auto const got = co_await c.get(key);
        if (got && *got != key) ++t.wrong;
      }
      ++t.good;
      t.last_good = ticks();
    } catch (lost_error const&) {
      ++t.lost;
    } catch (unavailable_error const&) {
      ++t.unavailable;
    } catch (std::exception const& e) {
      ADD_FAILURE() << e.what();
      ++t.other;
    }
    if (n % 16 == 0) co_await sleep_for(1ms);
  }
  --t.running;
}

struct redis_faults : fixture {
  void SetUp() override {
    fixture::SetUp();
    if (IsSkipped()) return;
    behind.emplace();
    between.emplace(behind->port());
    auto s = with("redis://127.0.0.1:" + std::to_string(between->port()));
    s.request_timeout = 1s;
    s.connect_timeout = 1s;
    s.health_interval = 500ms;
    cache.emplace(connect(s, on));
  }
  void TearDown() override {
    finish();
    cache.reset();
  }
  void start_load() {
    for (unsigned i = 0; i < 16; ++i) {
      ++t.running;
      on[i % 2].spawn(keep_asking(*cache, t, i));
    }
    ASSERT_TRUE(wait_until([&] { return t.good > 500; }));
  }
  void finish() {
    t.ending = true;
    EXPECT_TRUE(wait_until([&] { return t.running == 0; }));
    EXPECT_EQ(t.wrong, 0u);
    EXPECT_EQ(t.other, 0u);
  }
  // Seconds from now to the next hundred good answers.
  double recovery() {
    auto const from = steady::now();
    auto const before = t.good.load();
    EXPECT_TRUE(wait_until([&] { return t.good > before + 100; }));
    return std::chrono::duration<double>(steady::now() - from).count();
  }

  std::optional<server> behind;
  std::optional<gate> between;
  std::optional<client> cache;
  tally t;
};

TEST_F(redis_faults, connections_that_are_cut) {
  start_load();
  for (int i = 0; i < 10; ++i) {
    auto const before = t.good.load();
    between->cut();
    EXPECT_TRUE(wait_until([&] { return t.good > before + 200; }, 5s));
  }
  EXPECT_GE(cache->use().lost, 10u);
  EXPECT_GT(cache->use().repeated, 0u) << "reads are sent again";
}

TEST_F(redis_faults, a_server_that_stalls) {
  start_load();
  between->set(gate::mode::stall);
  auto const lost = t.lost.load();
  EXPECT_TRUE(wait_until([&] { return t.lost > lost + 16; }, 5s)) << "callers are told";
  between->set(gate::mode::pass);
  EXPECT_LT(recovery(), 5.0);
}

TEST_F(redis_faults, answers_that_drip) {
  start_load();
  between->set(gate::mode::drip);
  auto const lost = t.lost.load();
  EXPECT_TRUE(wait_until([&] { return t.lost > lost + 16; }, 10s));
  between->set(gate::mode::pass);
  EXPECT_LT(recovery(), 5.0);
}

TEST_F(redis_faults, answers_that_are_cut_off_in_the_middle) {
  start_load();
  for (int i = 0; i < 20; ++i) {
    between->set(gate::mode::truncate);
    EXPECT_TRUE(wait_until([&, accepted = between->accepted()] { return between->accepted() > accepted; }, 5s));
    between->set(gate::mode::pass);
    between->cut();
    EXPECT_LT(recovery(), 5.0);
  }
}

TEST_F(redis_faults, nobody_answers_for_a_while) {
  start_load();
  between->set(gate::mode::refuse);
  between->cut();
  auto const lost = t.lost.load();
  EXPECT_TRUE(wait_until([&] { return t.lost > lost + 100; }, 5s));
  // A server that stays away costs its callers no time.
  on.run([](client& c) -> task<> {
    auto const from = steady::now();
    EXPECT_EQ(co_await outcome_of(c.get("x")), "lost, not sent");
    EXPECT_LT(steady::now() - from, 100ms);
  }(*cache));
  between->set(gate::mode::pass);
  EXPECT_LT(recovery(), 5.0);
}

TEST_F(redis_faults, the_server_is_killed_and_started_again) {
  start_load();
  for (int i = 0; i < 3; ++i) {
    behind->kill();
    auto const lost = t.lost.load();
    EXPECT_TRUE(wait_until([&] { return t.lost > lost + 16; }, 5s));
    behind->start();
    EXPECT_LT(recovery(), 5.0);
  }
}

TEST_F(redis_faults, the_server_is_stopped_and_goes_on) {
  start_load();
  behind->stop();
  auto const lost = t.lost.load();
  EXPECT_TRUE(wait_until([&] { return t.lost > lost + 16; }, 10s));
  behind->resume();
  EXPECT_LT(recovery(), 5.0);
}

TEST_F(redis_faults, an_idle_connection_that_died_is_noticed) {
  on.run([](client& c) -> task<> { (void)co_await c.get("x"); }(*cache));
  between->set(gate::mode::stall);
  EXPECT_TRUE(wait_until([&] { return cache->use().lost > 0; }, 10s));
  between->set(gate::mode::pass);
  EXPECT_TRUE(wait_until([&] { return cache->use().open == 2; }, 5s));
}

TEST_F(redis_faults, what_was_cancelled_is_dropped_and_its_neighbours_are_not) {
  between->set(gate::mode::delay);
  for (int i = 0; i < 20; ++i)
    on.run([](client& c, int round) -> task<> {
      co_await c.set("{c}a", "a" + std::to_string(round));
      co_await c.set("{c}b", "b" + std::to_string(round));
      context hurried;
      std::string first = "not over", second;
      one_shot both;
      int left = 2;
      start_detached(
          [](client& on_, std::string& out, one_shot& done, int& n) -> task<> {
            out = co_await outcome_of(on_.get("{c}a"));
            if (--n == 0) done.fire();
          }(c, first, both, left),
          &hurried);
      start_detached([](client& on_, std::string& out, one_shot& done, int& n) -> task<> {
        out = (co_await on_.get("{c}b")).value_or("nothing");
        if (--n == 0) done.fire();
      }(c, second, both, left));
      co_await sleep_for(std::chrono::milliseconds{round % 4 * 8});
      hurried.cancel(cancel_reason::client_gone);
      co_await both;
      EXPECT_TRUE(first == "cancelled" || first == "nothing") << first;
      EXPECT_EQ(second, "b" + std::to_string(round));
    }(*cache, i));
}

TEST_F(redis_faults, an_own_connection_that_was_given_up_is_handed_to_nobody) {
  auto s = with(behind->url());
  s.own_connections = 1;
  auto narrow = connect(s, on);
  on.run([](client& c) -> task<> {
    context hurried;
    std::string first = "not over", second = "not over";
    one_shot both;
    int left = 2;
    auto const pop = [](client& on_, char const* key, std::string& out, one_shot& done, int& n) -> task<> {
      std::string popped;
      auto const work = [](client& from, std::string of, std::string& into) -> task<> {
        texts keys;
        keys.push_back(std::move(of));
        into = (co_await from.blpop(std::move(keys), 10s)).value_or(std::pair{"", "nothing came"}).second;
      };
      auto const how = co_await outcome(work(on_, key, popped));
      out = how == "nothing" ? popped : how;
      if (--n == 0) done.fire();
    };
    start_detached(pop(c, "left", first, both, left), &hurried);
    while (!(co_await c.run({"INFO", "clients"})).text.contains("blocked_clients:1")) co_await sleep_for(5ms);
    start_detached(pop(c, "wanted", second, both, left));
    EXPECT_EQ(c.use().waits, 2u) << "the second stands in line";
    co_await c.rpush("wanted", {"it"});
    hurried.cancel(cancel_reason::client_gone);
    co_await both;
    EXPECT_EQ(first, "cancelled");
    EXPECT_EQ(second, "it");
  }(narrow));
}

TEST_F(redis_faults, a_deadline_ends_the_waiting) {
  between->set(gate::mode::stall);
  on.run([](client& c) -> task<> {
    context limited;
    limited.deadline = steady::now() + 150ms;
    std::string what;
    one_shot done;
    auto const from = steady::now();
    start_detached(
        [](client& on_, std::string& out, one_shot& over) -> task<> {
          out = co_await outcome(on_.mset({{"{d}x", "1"}}));
          over.fire();
        }(c, what, done),
        &limited);
    co_await done;
    EXPECT_EQ(what, "cancelled");
    EXPECT_LT(steady::now() - from, 600ms);
  }(*cache));
  between->set(gate::mode::pass);
}

TEST_F(redis_faults, a_queue_that_is_full_refuses) {
  auto s = with("redis://127.0.0.1:" + std::to_string(between->port()));
  s.queue = 4;
  auto narrow = connect(s, on);
  between->set(gate::mode::stall);
  on.run([](client& c) -> task<> {
    std::vector<std::string> all(8, "not over");
    int left = 8;
    one_shot done;
    for (auto& each : all)
      start_detached([](client& on_, std::string& out, one_shot& over, int& n) -> task<> {
        out = co_await outcome_of(on_.set("q", "x"));
        if (--n == 0) over.fire();
      }(c, each, done, left));
    EXPECT_EQ(std::ranges::count(all, "unavailable"), 4);
    co_await done;
    EXPECT_EQ(std::ranges::count(all, "lost, may have been done"), 4);
    EXPECT_EQ(c.use().refused, 4u);
  }(narrow));
  between->set(gate::mode::pass);
}

TEST_F(redis_faults, a_write_that_was_lost_is_not_repeated) {
  between->set(gate::mode::delay);
  on.run([](client& c, gate& g) -> task<> {
    std::string what;
    one_shot done;
    start_detached([](client& on_, std::string& out, one_shot& over) -> task<> {
      out = co_await outcome_of(on_.incr("once"));
      over.fire();
    }(c, what, done));
    co_await sleep_for(15ms);  // it is on its way
    g.cut();
    co_await done;
    EXPECT_EQ(what, "lost, may have been done");
  }(*cache, *between));
  between->set(gate::mode::pass);
  on.run([](client& c) -> task<> {
    auto const now = co_await c.get("once");
    EXPECT_TRUE(!now || *now == "1") << *now;
  }(*cache));
}

}  // namespace
