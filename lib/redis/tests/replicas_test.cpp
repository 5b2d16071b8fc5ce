// Reads from the replicas of a real cluster and of Sentinels: which of them answer, how old, and what their loss does.
#include "cluster.hpp"
#include "sentinels.hpp"

#include <slipway/redis/slots.hpp>

#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <thread>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

// How often this server did GET.
int gets_of(server const& one) {
  auto const stats = one.cli({"info", "commandstats"});
  auto const at = stats.find("cmdstat_get:calls=");
  return at == std::string::npos ? 0 : std::atoi(stats.c_str() + at + 18);
}
bool is_replica(server const& one) { return one.cli({"role"}).starts_with("slave"); }

// Until this many replicas of each have them.
task<> write_keys(client& c, int n, int replicas) {
  for (int i = 0; i < n; ++i) {
    auto const number = std::to_string(i);
    auto mine = co_await c.own("k" + number);
    co_await mine.set("k" + number, "v" + number);
    if (replicas != 0) EXPECT_GE(co_await mine.wait_for_replicas(replicas, 2s), replicas);
  }
}

struct reads {
  std::atomic<bool> ending{false};
  std::atomic<unsigned> running{0};
  std::atomic<std::uint64_t> good{0}, absent{0};
  std::mutex guard;
  std::map<std::string, int> errors;
  std::string error_list() {
    std::lock_guard const lock{guard};
    std::string out;
    for (auto const& [what, n] : errors) out += what + " x" + std::to_string(n) + "; ";
    return out;
  }
};

task<> read_on(client& c, reads& r, unsigned who) {
  for (unsigned n = who; !r.ending; ++n) {
    auto const i = std::to_string(n % 100);
    try {
      auto const got = co_await c.get("k" + i);
      if (!got) ++r.absent;
      EXPECT_TRUE(!got || *got == "v" + i);
      ++r.good;
    } catch (std::exception const& e) {
      std::lock_guard const lock{r.guard};
      ++r.errors[e.what()];
    }
    co_await sleep_for(1ms);
  }
  --r.running;
}

struct redis_replicas : fixture {
  settings reading(std::string url, read_from where = read_from::prefer_replica) const {
    auto s = with(std::move(url));
    s.read_from = where;
    s.replica_check = 100ms;
    return s;
  }
  void start(client& c, reads& r) {
    for (unsigned i = 0; i < 8; ++i) {
      ++r.running;
      on[i % 2].spawn(read_on(c, r, i * 13));
    }
  }
  bool end(reads& r) {
    r.ending = true;
    return wait_until([&] { return r.running == 0; });
  }
  // After a change, roles are read anew half a minute later where the first look was too early.
  bool found(client& c, std::uint64_t n) {
    return wait_until([&] { return c.use().replicas == n; }, std::chrono::seconds{70});
  }
};

TEST_F(redis_replicas, of_a_cluster_answer_reads_and_nothing_else) {
  cluster six{3, 1};
  auto cache = connect(reading(six.url()), on);
  ASSERT_TRUE(found(cache, 3));
  on.run(write_keys(cache, 100, 1));
  auto const all_there = [](client& c) -> task<bool> {
    for (int i = 0; i < 100; ++i)
      if (co_await c.get("k" + std::to_string(i)) != "v" + std::to_string(i)) co_return false;
    co_return true;
  };
  std::map<server*, int> before;
  for (std::size_t i = 0; i < six.size(); ++i) before[&six[i]] = gets_of(six[i]);
  ASSERT_TRUE(on.run(all_there(cache)));
  for (std::size_t i = 0; i < six.size(); ++i) {
    auto const done = gets_of(six[i]) - before[&six[i]];
    if (is_replica(six[i]))
      EXPECT_GT(done, 10) << "by the replica " << i;
    else
      EXPECT_EQ(done, 0) << "by the master " << i;
  }
  auto const answered = cache.use().replica_reads;
  run([&]() -> task<> {
    auto exact = cache.reading_from(read_from::primary);
    for (int i = 0; i < 500; ++i) {
      co_await cache.set("mine", std::to_string(i));
      EXPECT_EQ(co_await exact.get("mine"), std::to_string(i)) << "what was written is seen";
    }
    auto const some = co_await exact.mget({"k1", "k2", "k3"});
    EXPECT_EQ(some[2], "v3");
    EXPECT_EQ(cache.use().replica_reads, answered) << "the primary was asked";
    EXPECT_EQ((co_await cache.mget({"k1", "k2", "k3", "none"}))[1], "v2");
    EXPECT_EQ(co_await cache.exists({"k1", "k2"}), 2);
    EXPECT_GT(cache.use().replica_reads, answered);
    EXPECT_EQ(co_await cache.incr("number"), 1);
    EXPECT_EQ((co_await cache.eval(script{"return redis.call('get', KEYS[1])"}.repeatable(), {"k1"})).text, "v1");
    co_await cache.check();
  });
  EXPECT_EQ(cache.use().errors, 1u) << "the script was not known yet";
  EXPECT_EQ(cache.use().redirected, 0u) << "replicas were asked as such (READONLY)";
}

TEST_F(redis_replicas, one_call_may_ask_for_a_replica_where_the_setting_says_primary) {
  cluster six{3, 1};
  auto cache = connect(with(six.url()), on);
  on.run(write_keys(cache, 10, 1));
  auto const read = [](client& c) -> task<> {
    EXPECT_EQ(co_await c.reading_from(read_from::prefer_replica).get("k1"), "v1");
    EXPECT_EQ(co_await c.get("k1"), "v1");
  };
  EXPECT_EQ(cache.use().replicas, 0u);
  EXPECT_TRUE(wait_until([&] {
    on.run(read(cache));
    return cache.use().replica_reads > 3;
  }));
  EXPECT_GT(cache.use().replica_fallbacks, 0u) << "the first was answered by the primary";
  EXPECT_EQ(cache.use().errors, 0u);
}

TEST_F(redis_replicas, of_a_cluster_are_lost_under_load_and_come_back) {
  cluster six{3, 1};
  auto cache = connect(reading(six.url()), on);
  ASSERT_TRUE(found(cache, 3));
  on.run(write_keys(cache, 100, 1));
  reads r;
  start(cache, r);
  ASSERT_TRUE(wait_until([&] { return r.good > 500; }));
  server* victim = nullptr;
  for (std::size_t i = 0; i < six.size(); ++i)
    if (is_replica(six[i])) victim = &six[i];
  ASSERT_NE(victim, nullptr);
  victim->kill();
  ASSERT_TRUE(found(cache, 2));
  auto const fallbacks = cache.use().replica_fallbacks;
  auto good = r.good.load();
  ASSERT_TRUE(wait_until([&] { return r.good > good + 1000; }));
  EXPECT_GT(cache.use().replica_fallbacks, fallbacks) << "the primary answers for the one that is missing";
  victim->start();  // empty, until its primary has sent everything
  ASSERT_TRUE(found(cache, 3));
  good = r.good;
  ASSERT_TRUE(wait_until([&] { return r.good > good + 1000; }));
  victim->stop();  // it holds its connections and says nothing
  ASSERT_TRUE(found(cache, 2));
  good = r.good;
  ASSERT_TRUE(wait_until([&] { return r.good > good + 500; }));
  victim->resume();
  ASSERT_TRUE(found(cache, 3));
  ASSERT_TRUE(end(r));
  EXPECT_EQ(r.error_list(), "");
  EXPECT_EQ(r.absent, 0u) << "an empty replica was read from";
}

TEST_F(redis_replicas, one_that_is_behind_is_not_read_from) {
  cluster six{3, 1};
  auto s = reading(six.url());
  s.replica_lag = 3s;
  auto cache = connect(s, on);
  ASSERT_TRUE(found(cache, 3));
  auto const key = std::string{"behind"};
  on.run([](client& c) -> task<> { co_await c.set("behind", "old"); }(cache));
  auto* const primary = six.master_of("t:behind");
  ASSERT_NE(primary, nullptr);
  // The primary throws its replica out and lets it in no more; who is in already stays.
  primary->cli({"config", "set", "requirepass", "closed"});
  primary->with_cli({"--no-auth-warning", "-a", "closed"});
  primary->cli({"client", "kill", "type", "replica"});
  on.run([](client& c) -> task<> { co_await c.set("behind", "new"); }(cache));
  ASSERT_TRUE(found(cache, 2));
  ASSERT_TRUE(wait_until(
      [&] { return on.run(outcome_of(cache.reading_from(read_from::replica).get(key))) == "lost, not sent"; }));
  run([&]() -> task<> {
    EXPECT_EQ(co_await cache.get(key), "new");
    auto strict = cache.reading_from(read_from::replica);
    try {
      (void)co_await strict.get(key);
      ADD_FAILURE() << "it was answered";
    } catch (unavailable_error const& why) {
      EXPECT_THAT(why.what(), AllOf(HasSubstr("no replica may be read from"), HasSubstr("redis.replica_lag"),
                                    HasSubstr("redis.read_from")));
    }
  });
  EXPECT_GE(cache.use().replica_lag_us, 1'000'000u);
  // The password is told rather than taken away: a replica that is let in between two of its questions goes on by an
  // old protocol that knows no offsets, and such a one is never read from.
  for (std::size_t i = 0; i < six.size(); ++i)
    if (six[i].cli({"role"}).starts_with("slave\n127.0.0.1\n" + std::to_string(primary->port())))
      six[i].cli({"config", "set", "masterauth", "closed"});
  ASSERT_TRUE(found(cache, 3));
  EXPECT_EQ(on.run(cache.reading_from(read_from::replica).get(key)), "new");
}

TEST_F(redis_replicas, slots_and_roles_that_change_under_load) {
  cluster six{3, 1};
  auto cache = connect(reading(six.url()), on);
  ASSERT_TRUE(found(cache, 3));
  on.run(write_keys(cache, 100, 1));
  reads r;
  start(cache, r);
  ASSERT_TRUE(wait_until([&] { return r.good > 500; }));
  // A replica and its master change places.
  for (std::size_t i = 0; i < six.size(); ++i)
    if (is_replica(six[i])) {
      six[i].cli({"cluster", "failover"});
      ASSERT_TRUE(wait_until([&] { return !is_replica(six[i]); }));
      break;
    }
  ASSERT_TRUE(found(cache, 3));
  auto const good = r.good.load();
  ASSERT_TRUE(wait_until([&] { return r.good > good + 1000; }));
  EXPECT_EQ(r.absent, 0u);
  std::vector<server*> masters;
  for (std::size_t i = 0; i < six.size(); ++i)
    if (!is_replica(six[i])) masters.push_back(&six[i]);
  ASSERT_EQ(masters.size(), 3u);
  auto const redirected = cache.use().redirected;
  auto const out = six.manage({"reshard", "127.0.0.1:" + std::to_string(six[0].port()), "--cluster-from",
                               masters[0]->cli({"cluster", "myid"}), "--cluster-to",
                               masters[1]->cli({"cluster", "myid"}), "--cluster-slots", "2000", "--cluster-yes"});
  EXPECT_FALSE(out.starts_with("failed"));
  ASSERT_TRUE(wait_until([&] {
    auto const absent = r.absent.load(), n = r.good.load();
    wait_until([&] { return r.good > n + 1000; });
    return r.absent == absent;
  }));
  ASSERT_TRUE(end(r));
  EXPECT_EQ(r.error_list(), "");
  EXPECT_GT(cache.use().redirected, redirected) << "a replica says MOVED";
  RecordProperty("absent_while_moving", static_cast<int>(r.absent));
}

TEST_F(redis_replicas, the_map_is_read_in_the_words_that_a_server_knows) {
  cluster three{3, 0};
  auto const asked = [&](char const* what) {
    std::string all;
    for (std::size_t i = 0; i < three.size(); ++i) all += three[i].cli({"info", "commandstats"});
    return all.contains(std::string{"cmdstat_cluster|"} + what + ":calls");
  };
  {
    for (std::size_t i = 0; i < three.size(); ++i) three[i].cli({"config", "resetstat"});
    auto cache = connect(with(three.url()), on);
    on.run(write_keys(cache, 30, 0));
    EXPECT_TRUE(asked("shards"));
    EXPECT_FALSE(asked("slots"));
  }
  for (std::size_t i = 0; i < three.size(); ++i)
    ASSERT_EQ(three[i].cli({"acl", "setuser", "default", "-cluster|shards"}), "OK");
  auto cache = connect(with(three.url()), on);
  on.run(write_keys(cache, 30, 0));
  EXPECT_TRUE(asked("slots"));
  EXPECT_EQ(cache.use().redirected, 0u);
}

TEST_F(redis_replicas, of_sentinels) {
  if (!is_installed("redis-sentinel")) GTEST_SKIP() << "SKIPPED LOUDLY: no Redis Sentinel: install redis-sentinel";
  sentinels all;
  auto s = reading(all.url());
  s.replica_lag = 20s;  // reads go on while there is no master
  auto cache = connect(s, on);
  ASSERT_TRUE(found(cache, 2));
  on.run(write_keys(cache, 100, 2));
  reads r;
  start(cache, r);
  ASSERT_TRUE(wait_until([&] { return r.good > 500; }));
  for (auto const& each : all.replicas) EXPECT_GT(gets_of(*each), 100) << "they take turns";
  EXPECT_LT(gets_of(all.master), 50);
  // One of two is lost: the other one answers, and nobody notices.
  all.replicas[0]->kill();
  ASSERT_TRUE(found(cache, 1));
  auto good = r.good.load();
  ASSERT_TRUE(wait_until([&] { return r.good > good + 500; }));
  all.replicas[0]->start();
  ASSERT_TRUE(found(cache, 2));
  EXPECT_EQ(r.error_list(), "");
  // The master is lost: what may be a moment old is read all the time.
  auto const before = all.named();
  good = r.good;
  all.master.kill();
  ASSERT_TRUE(wait_until([&] { return all.named() != before; }));
  EXPECT_GT(r.good.load(), good + 200) << r.error_list();
  ASSERT_TRUE(found(cache, 1));
  EXPECT_TRUE(wait_until([&] { return on.run(outcome_of(cache.set("after", "1"))) == "nothing"; }));
  ASSERT_TRUE(end(r));
  EXPECT_EQ(r.error_list(), "");
  EXPECT_EQ(r.absent, 0u);
}

TEST_F(redis_replicas, the_primary_has_all_the_time_when_it_is_asked_after_them) {
  if (!is_installed("redis-sentinel")) GTEST_SKIP() << "SKIPPED LOUDLY: no Redis Sentinel: install redis-sentinel";
  sentinels all;
  auto s = reading(all.url());
  // Nothing but the command itself finds out that they say nothing any more.
  s.replica_check = 3s;
  s.replica_lag = 60s;
  s.request_timeout = 1s;
  auto cache = connect(s, on);
  on.run(write_keys(cache, 1, 2));
  ASSERT_TRUE(found(cache, 2));
  for (auto const& each : all.replicas) each->stop();
  auto const before = cache.use();
  EXPECT_EQ(on.run(cache.get("k0")), "v0");
  for (auto const& each : all.replicas) each->resume();
  auto const after = cache.use();
  EXPECT_EQ(after.replica_reads, before.replica_reads) << "it was the primary that answered";
  EXPECT_EQ(after.replica_fallbacks, before.replica_fallbacks + 1);
  EXPECT_EQ(after.errors, before.errors);
}

TEST_F(redis_replicas, what_cannot_be_is_said_at_the_start) {
  server one;
  EXPECT_THAT(outcome_of_connecting(reading(one.url()), on),
              AllOf(StartsWith("config: redis.read_from"), HasSubstr("redis+cluster://")));
  auto s = with(one.url());
  s.replica_check = 3s;
  EXPECT_THAT(outcome_of_connecting(s, on), StartsWith("config: redis.replica_lag"));
  auto cache = connect(with(one.url()), on);
  run([&]() -> task<> {
    co_await cache.set("k", "v");
    EXPECT_EQ(co_await cache.reading_from(read_from::prefer_replica).get("k"), "v");
    EXPECT_EQ(co_await outcome_of(cache.reading_from(read_from::replica).get("k")), "lost, not sent");
  });
}

}  // namespace
