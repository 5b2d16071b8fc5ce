// Real clusters and Sentinels that lose their master, and slots that move, under load.
#include "cluster.hpp"
#include "sentinels.hpp"
#include "server.hpp"

#include <slipway/redis/slots.hpp>

#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
using testing::HasSubstr;

namespace {

struct load {
  std::atomic<bool> ending{false};
  std::atomic<unsigned> running{0};
  std::atomic<std::uint64_t> good{0}, failed{0};
  std::mutex guard;
  std::set<std::string> acknowledged;  // by the master and one replica
  std::map<std::string, int> errors;

  void note(std::string what) {
    ++failed;
    std::lock_guard const lock{guard};
    ++errors[what];
  }
  std::string error_list() {
    std::lock_guard const lock{guard};
    std::string out;
    for (auto const& [what, n] : errors) out += what + " x" + std::to_string(n) + "; ";
    return out;
  }
  bool end() {
    ending = true;
    return wait_until([&] { return running == 0; });
  }
};

// Writes keys of its own, and counts one as kept when a replica has it as well.
task<> write_for_good(client& c, load& l, unsigned who) {
  for (int n = 0; !l.ending; ++n) {
    auto const key = "w" + std::to_string(who) + ":" + std::to_string(n);
    try {
      auto mine = co_await c.own(key);
      if (co_await mine.set(key, key) && co_await mine.wait_for_replicas(1, 500ms) >= 1) {
        ++l.good;
        std::lock_guard const lock{l.guard};
        l.acknowledged.insert(key);
      }
    } catch (unavailable_error const& e) {
      l.note(e.what());
    } catch (std::exception const& e) {
      ADD_FAILURE() << e.what();
    }
    co_await sleep_for(2ms);
  }
  --l.running;
}

// Writes and reads on the shared connections.
task<> use_shared(client& c, load& l, unsigned who) {
  for (int n = 0; !l.ending; ++n) {
    auto const key = "s" + std::to_string(who) + ":" + std::to_string(n % 50);
    try {
      co_await c.set(key, key);
      auto const got = co_await c.get(key);
      EXPECT_TRUE(!got || *got == key) << *got;
      ++l.good;
    } catch (unavailable_error const& e) {
      l.note(e.what());
    } catch (std::exception const& e) {
      ADD_FAILURE() << e.what();
    }
    co_await sleep_for(2ms);
  }
  --l.running;
}

task<> check_kept(client& c, load& l) {
  std::size_t lost = 0;
  for (auto const& key : l.acknowledged)
    if (co_await c.get(key) != key) ++lost;
  EXPECT_EQ(lost, 0u) << "of " << l.acknowledged.size() << " acknowledged writes";
}

struct redis_failover : fixture {
  void start(client& c, load& l) {
    for (unsigned i = 0; i < 8; ++i) {
      l.running += 2;
      on[i % 2].spawn(write_for_good(c, l, i));
      on[i % 2].spawn(use_shared(c, l, i));
    }
    ASSERT_TRUE(wait_until([&] { return l.good > 500; })) << l.error_list();
  }
};

TEST_F(redis_failover, a_cluster_of_six_loses_a_master) {
  cluster six{3, 1, nullptr, 1s};
  auto cache = connect(with(six.url()), on);
  EXPECT_THAT(cache.description(), HasSubstr("cluster of 3 masters"));
  load l;
  start(cache, l);
  auto* const victim = six.master_of("t:w0:0");
  ASSERT_NE(victim, nullptr);
  victim->kill();
  ASSERT_TRUE(wait_until([&] {
    auto* const now = six.master_of("t:w0:0", victim);
    return now != nullptr && now != victim && six.is_well();
  }));
  auto const healed = steady::now();
  // What is new must work for every key within five seconds of the cluster's own recovery.
  ASSERT_TRUE(wait_until([&] {
    auto const failed = l.failed.load(), good = l.good.load();
    std::this_thread::sleep_for(200ms);
    return l.failed == failed && l.good > good + 50;
  }));
  EXPECT_LT(steady::now() - healed, 5s);
  victim->start();  // comes back as a replica
  ASSERT_TRUE(wait_until([&] { return victim->cli({"role"}).starts_with("slave"); }));
  ASSERT_TRUE(l.end());
  on.run(check_kept(cache, l));
  EXPECT_GT(l.acknowledged.size(), 100u);
  RecordProperty("acknowledged", static_cast<int>(l.acknowledged.size()));
  RecordProperty("errors", static_cast<int>(l.failed));
}

task<> count_up(client& c, load& l, unsigned who, std::vector<std::int64_t>& counts) {
  for (int n = 0; !l.ending; ++n) {
    auto const i = static_cast<std::size_t>(n) % counts.size();
    auto const key = "c" + std::to_string(who) + ":" + std::to_string(i);
    try {
      if (n % 5 == 0) {
        std::vector<command> both;
        both.push_back(c.make("INCR").key(key));
        both.push_back(c.make("GET").key(key));
        auto const done = co_await c.transaction(std::move(both));
        EXPECT_EQ(done[0].number, ++counts[i]);
      } else if (n % 5 == 1) {
        auto const tagged = "{" + key + "}";
        co_await c.mset({{tagged + "a", "1"}, {tagged + "b", "2"}});
        auto const got = co_await c.mget({tagged + "a", tagged + "b", key});
        EXPECT_EQ(got[0], "1");
        EXPECT_EQ(got[1], "2");
      } else {
        EXPECT_EQ(co_await c.incr(key), ++counts[i]);
      }
      ++l.good;
    } catch (std::exception const& e) {
      l.note(e.what());
    }
    co_await sleep_for(1ms);
  }
  --l.running;
}

TEST_F(redis_failover, slots_move_under_load_and_nobody_notices) {
  cluster three{3, 0};
  auto cache = connect(with(three.url()), on);
  load l;
  std::vector<std::vector<std::int64_t>> counts(8, std::vector<std::int64_t>(100, 0));
  for (unsigned i = 0; i < 8; ++i) {
    ++l.running;
    on[i % 2].spawn(count_up(cache, l, i, counts[i]));
  }
  ASSERT_TRUE(wait_until([&] { return l.good > 2000; })) << l.error_list();
  auto const id = [&](std::size_t i) { return three[i].cli({"cluster", "myid"}); };
  for (std::size_t i = 0; i < 3; ++i) {
    auto const out = three.manage({"reshard", "127.0.0.1:" + std::to_string(three[0].port()), "--cluster-from", id(i),
                                   "--cluster-to", id((i + 1) % 3), "--cluster-slots", "500", "--cluster-yes"});
    EXPECT_FALSE(out.starts_with("failed")) << out.substr(out.size() > 500 ? out.size() - 500 : 0);
  }
  auto const good = l.good.load();
  EXPECT_TRUE(wait_until([&] { return l.good > good + 1000; }));
  ASSERT_TRUE(l.end());
  EXPECT_EQ(l.failed, 0u) << l.error_list();
  EXPECT_GT(cache.use().redirected, 0u);
  on.run([](client& c, std::vector<std::vector<std::int64_t>>& all) -> task<> {
    for (std::size_t who = 0; who < all.size(); ++who)
      for (std::size_t i = 0; i < all[who].size(); ++i) {
        auto const got = co_await c.get("c" + std::to_string(who) + ":" + std::to_string(i));
        EXPECT_EQ(got.value_or("0"), std::to_string(all[who][i]));
      }
  }(cache, counts));
}

TEST_F(redis_failover, a_slot_that_is_on_its_way_is_asked_for) {
  cluster three{3, 0};
  auto cache = connect(with(three.url()), on);
  on.run([](client& c) -> task<> { co_await c.set("{k}here", "1"); }(cache));
  auto const slot = std::to_string(slot_of("k"));
  auto* const from = three.master_of("k");
  auto* const to = from == &three[0] ? &three[1] : &three[0];
  to->cli({"cluster", "setslot", slot, "importing", from->cli({"cluster", "myid"})});
  from->cli({"cluster", "setslot", slot, "migrating", to->cli({"cluster", "myid"})});
  on.run([](client& c) -> task<> {
    EXPECT_EQ(co_await c.get("{k}here"), "1");     // still at the old place
    EXPECT_TRUE(co_await c.set("{k}there", "2"));  // ASK: made at the new one
    EXPECT_EQ(co_await c.get("{k}there"), "2");
    std::vector<command> block;
    block.push_back(c.make("APPEND").key("{k}there").arg("2"));
    EXPECT_EQ((co_await c.transaction(std::move(block)))[0].number, 2);
    // Half here, half there: the server asks to try again, for as long as that is so.
    EXPECT_EQ(co_await outcome_of(c.mget({"{k}here", "{k}there"})), "refused TRYAGAIN");
  }(cache));
  EXPECT_EQ(to->cli({"cluster", "countkeysinslot", slot}), "1");
}

TEST_F(redis_failover, sentinels_name_another_master) {
  if (!is_installed("redis-sentinel")) GTEST_SKIP() << "SKIPPED LOUDLY: no Redis Sentinel: install redis-sentinel";
  sentinels all;
  auto s = with(all.url("unknown"));
  s.connect_attempts = 1;
  EXPECT_THAT(outcome_of_connecting(s, on),
              testing::AllOf(testing::StartsWith("config: "), HasSubstr("knows no master 'unknown'")));
  auto cache = connect(with(all.url()), on);
  EXPECT_THAT(cache.description(), HasSubstr("master main at 127.0.0.1:" + std::to_string(all.master.port())));
  load l;
  start(cache, l);
  auto const before = all.named();
  EXPECT_EQ(before, all.master.port());
  all.guides[0]->kill();  // one of three is missing as well
  all.master.kill();
  ASSERT_TRUE(wait_until([&] { return all.named() != before; }));
  auto const healed = steady::now();
  ASSERT_TRUE(wait_until([&] {
    auto const failed = l.failed.load(), good = l.good.load();
    std::this_thread::sleep_for(200ms);
    return l.failed == failed && l.good > good + 50;
  })) << l.error_list();
  EXPECT_LT(steady::now() - healed, 5s);
  ASSERT_TRUE(l.end());
  on.run(check_kept(cache, l));
  EXPECT_GT(l.acknowledged.size(), 100u);
}

TEST_F(redis_failover, a_master_that_is_asked_to_step_down_is_left) {
  if (!is_installed("redis-sentinel")) GTEST_SKIP() << "SKIPPED LOUDLY: no Redis Sentinel: install redis-sentinel";
  sentinels all;
  auto cache = connect(with(all.url()), on);
  on.run([](client& c) -> task<> { co_await c.set("a", "1"); }(cache));
  auto const before = all.named();
  ASSERT_EQ(all.guides[0]->cli({"sentinel", "failover", "main"}), "OK");
  ASSERT_TRUE(wait_until([&] { return all.named() != before; }));
  // Until the old master has been told, it takes writes that are lost with it: so once more until the new one has it.
  EXPECT_TRUE(wait_until(
      [&] {
        (void)on.run(outcome_of(cache.set("a", "2")));
        for (auto const& each : all.replicas)
          if (each->port() == all.named() && each->cli({"get", "t:a"}) == "2") return true;
        return false;
      },
      10s));
}

}  // namespace
