// Every command against a real server: the same suite on one that stands alone, through TLS, and on a cluster with TLS and without.
#include "certificates.hpp"
#include "cluster.hpp"
#include "server.hpp"

#include <gmock/gmock.h>

#include <set>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using testing::UnorderedElementsAre;

namespace {

class redis_commands : public fixture, public testing::WithParamInterface<char const*> {
 protected:
  void SetUp() override {
    fixture::SetUp();
    if (IsSkipped()) return;
    auto const where = std::string{GetParam()};
    auto s = with(where == "cluster"       ? shared_cluster().url()
                  : where == "tls_cluster" ? secured_cluster().url()
                  : where == "tls"         ? secured().url()
                                           : shared_server().url());
    if (where.starts_with("tls")) s.ca_file = secured().made.file("authority.crt");
    cache.emplace(connect(s, on));
    on.run(empty(*cache));
  }
  void TearDown() override { cache.reset(); }

  static server& shared_server() {
    static server one;
    return one;
  }
  struct secured_server {
    std::string url() const { return "rediss://127.0.0.1:" + std::to_string(port); }
    folder files;
    certificates made{files.path()};
    int port = free_port();
    server one{made.server_arguments(port), "redis-server", port};
  };
  static secured_server& secured() {
    static secured_server one;
    return one;
  }
  static cluster& shared_cluster() {
    static cluster one{3, 0};
    return one;
  }
  static cluster& secured_cluster() {
    static cluster one{3, 0, &secured().made};
    return one;
  }
  static task<> empty(client& c) {
    texts all;
    auto keys = c.scan();
    while (auto key = co_await keys.next()) all.push_back(*key);
    co_await c.unlink(std::move(all));
  }
  bool is_cluster() const { return std::string{GetParam()}.ends_with("cluster"); }

  std::optional<client> cache;
};
INSTANTIATE_TEST_SUITE_P(on, redis_commands, testing::Values("alone", "tls", "cluster", "tls_cluster"),
                         [](auto const& info) { return std::string{info.param}; });

TEST_P(redis_commands, strings) {
  on.run([](client& c) -> task<> {
    EXPECT_EQ(co_await c.get("missing"), std::nullopt);
    EXPECT_TRUE(co_await c.set("a", std::string_view{"with \0 and \r\n", 13}));
    EXPECT_EQ(co_await c.get("a"), (std::string{"with \0 and \r\n", 13}));
    EXPECT_FALSE(co_await c.set("a", "x", {.when = only_if::absent}));
    EXPECT_FALSE(co_await c.set("b", "x", {.when = only_if::present}));
    EXPECT_TRUE(co_await c.set("a", "x", {.expires = 60s, .when = only_if::present}));
    EXPECT_THAT(co_await c.ttl("a"), Optional(testing::AllOf(testing::Gt(50s), testing::Le(60s))));
    EXPECT_TRUE(co_await c.set("a", "y", {.keep_ttl = true}));
    EXPECT_TRUE((co_await c.ttl("a")).has_value());
    EXPECT_TRUE(co_await c.persist("a"));
    EXPECT_EQ(co_await c.ttl("a"), std::nullopt);
    EXPECT_EQ(co_await c.get_and_set("a", "z"), "y");
    EXPECT_EQ(co_await c.append("a", "zz"), 3);
    EXPECT_EQ(co_await c.length("a"), 3);
    EXPECT_EQ(co_await c.get_and_remove("a"), "zzz");
    EXPECT_EQ(co_await c.exists({"a"}), 0);
    EXPECT_EQ(co_await c.incr("n"), 1);
    EXPECT_EQ(co_await c.incr("n", 41), 42);
    EXPECT_EQ(co_await c.decr("n", 2), 40);
    EXPECT_EQ(co_await c.incr_by("f", 0.5), 0.5);
    EXPECT_TRUE(co_await c.expire("n", 1h));
    EXPECT_FALSE(co_await c.expire("missing", 1h));
    EXPECT_EQ(co_await c.type("n"), "string");
    EXPECT_EQ(co_await c.type("missing"), "none");
  }(*cache));
}

TEST_P(redis_commands, many_keys_at_once) {
  on.run([](client& c, bool clustered) -> task<> {
    texts keys;
    for (int i = 0; i < 200; ++i) {
      keys.push_back("k" + std::to_string(i));
      if (i % 2 == 0) co_await c.set(keys.back(), std::to_string(i));
    }
    auto const got = co_await c.mget(keys);
    EXPECT_EQ(got.size(), 200u);
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_EQ(got[i], i % 2 == 0 ? std::optional{std::to_string(i)} : std::nullopt);
    EXPECT_EQ(co_await c.exists(keys), 100);
    EXPECT_EQ(co_await c.del(keys), 100);
    EXPECT_EQ(co_await c.del({}), 0);
    co_await c.mset({{"{m}1", "one"}, {"{m}2", "two"}});
    EXPECT_THAT(co_await c.mget({"{m}2", "{m}1"}), ElementsAre("two", "one"));
    co_await c.rename("{m}1", "{m}3");
    EXPECT_EQ(co_await c.get("{m}3"), "one");
    pairs const apart{{"x", "1"}, {"y", "2"}, {"z", "3"}};
    EXPECT_EQ(co_await outcome(c.mset(apart)), clustered ? "error CROSSSLOT" : "nothing");
  }(*cache, is_cluster()));
}

TEST_P(redis_commands, hashes_sets_sorted_sets_lists) {
  on.run([](client& c) -> task<> {
    EXPECT_EQ(co_await c.hset("h", {{"a", "1"}, {"b", "2"}}), 2);
    EXPECT_EQ(co_await c.hget("h", "a"), "1");
    EXPECT_EQ(co_await c.hget("h", "z"), std::nullopt);
    EXPECT_THAT(co_await c.hgetall("h"), UnorderedElementsAre(std::pair{"a", "1"}, std::pair{"b", "2"}));
    EXPECT_THAT(co_await c.hmget("h", {"b", "z"}), ElementsAre("2", std::nullopt));
    EXPECT_EQ(co_await c.hincr("h", "a", 5), 6);
    EXPECT_TRUE(co_await c.hexists("h", "a"));
    EXPECT_EQ(co_await c.hdel("h", {"a", "z"}), 1);
    EXPECT_EQ(co_await c.hlen("h"), 1);
    EXPECT_THAT((co_await c.hscan("h", 0)).items, ElementsAre("b", "2"));

    EXPECT_EQ(co_await c.sadd("s", {"x", "y", "x"}), 2);
    EXPECT_TRUE(co_await c.sismember("s", "x"));
    EXPECT_EQ(co_await c.srem("s", {"x"}), 1);
    EXPECT_THAT(co_await c.smembers("s"), ElementsAre("y"));
    EXPECT_EQ(co_await c.scard("s"), 1);
    EXPECT_THAT((co_await c.sscan("s", 0)).items, ElementsAre("y"));

    EXPECT_EQ(co_await c.zadd("z", {{"a", 1}, {"b", 2.5}, {"c", 3}}), 3);
    EXPECT_EQ(co_await c.zadd("z", {{"a", 0}}, {.only_greater = true}), 0);
    EXPECT_EQ(co_await c.zscore("z", "a"), 1);
    EXPECT_EQ(co_await c.zscore("z", "?"), std::nullopt);
    EXPECT_EQ(co_await c.zrank("z", "c"), 2);
    EXPECT_EQ(co_await c.zincr("z", "a", 10), 11);
    EXPECT_THAT(co_await c.zrange("z", 0, -1), ElementsAre(scored{"b", 2.5}, scored{"c", 3}, scored{"a", 11}));
    EXPECT_THAT(co_await c.zrange("z", 0, 0, true), ElementsAre(scored{"a", 11}));
    EXPECT_THAT(co_await c.zrange_by_score("z", 3, 1e300), ElementsAre(scored{"c", 3}, scored{"a", 11}));
    EXPECT_EQ(co_await c.zrem_by_score("z", -1e300, 2.5), 1);
    EXPECT_EQ(co_await c.zrem("z", {"c"}), 1);
    EXPECT_EQ(co_await c.zcard("z"), 1);

    EXPECT_EQ(co_await c.rpush("l", {"b", "c"}), 2);
    EXPECT_EQ(co_await c.lpush("l", {"a"}), 3);
    EXPECT_THAT(co_await c.lrange("l", 0, -1), ElementsAre("a", "b", "c"));
    co_await c.ltrim("l", 0, 1);
    EXPECT_EQ(co_await c.llen("l"), 2);
    EXPECT_EQ(co_await c.lpop("l"), "a");
    EXPECT_EQ(co_await c.rpop("l"), "b");
    EXPECT_EQ(co_await c.rpop("l"), std::nullopt);
  }(*cache));
}

TEST_P(redis_commands, whatever_has_no_name_here) {
  on.run([](client& c) -> task<> {
    EXPECT_EQ((co_await c.run({"ECHO", "hello"})).text, "hello");
    co_await c.set("k", "12345");
    auto const kind = co_await c.run(c.make("OBJECT").arg("ENCODING").key("k").reads());
    EXPECT_EQ(kind.text, "int");
    EXPECT_EQ((co_await c.run({"GET", "t:k"})).text, "12345");  // as it is: with the prefix
    EXPECT_EQ(co_await outcome_of(c.run({"NO-SUCH-COMMAND"})), "error ERR");
    EXPECT_EQ(co_await outcome_of(c.incr("k", 1)), "nothing");
    co_await c.sadd("set", {"x"});
    EXPECT_EQ(co_await outcome_of(c.get("set")), "error WRONGTYPE");
  }(*cache));
}

TEST_P(redis_commands, all_keys_are_found_once_at_least) {
  on.run([](client& c) -> task<> {
    std::set<std::string> wanted, found;
    for (int i = 0; i < 500; ++i) {
      wanted.insert("user:" + std::to_string(i));
      co_await c.set("user:" + std::to_string(i), "x");
    }
    co_await c.sadd("user:set", {"x"});
    co_await c.set("other", "x");
    auto keys = c.scan({.match = "user:*", .type = "string", .count = 20});
    while (auto key = co_await keys.next()) found.insert(*key);
    EXPECT_EQ(found, wanted);
  }(*cache));
}

TEST_P(redis_commands, scripts_are_sent_by_their_hash_and_once_in_full) {
  on.run([](client& c) -> task<> {
    script const add{"return redis.call('incrby', KEYS[1], ARGV[1]) -- " + std::to_string(::getpid())};
    EXPECT_EQ((co_await c.eval(add, {"total"}, {"5"})).as_integer(), 5);
    EXPECT_EQ((co_await c.eval(add, {"total"}, {"5"})).as_integer(), 10);
    (void)co_await c.run(c.make("SCRIPT").arg("FLUSH"));
    EXPECT_EQ((co_await c.eval(add, {"total"}, {"5"})).as_integer(), 15);
    script const broken{"return redis.call('no such')"};
    EXPECT_EQ(co_await outcome_of(c.eval(broken, {"total"})), "error ERR");
  }(*cache));
}

TEST_P(redis_commands, transactions_in_one_piece) {
  on.run([](client& c) -> task<> {
    std::vector<command> all;
    all.push_back(c.make("INCR").key("{t}n"));
    all.push_back(c.make("SADD").key("{t}n").arg("x"));  // fails by itself; the others are done
    all.push_back(c.make("INCR").key("{t}n"));
    auto done = co_await c.transaction(std::move(all));
    EXPECT_EQ(done.size(), 3u);
    EXPECT_EQ(done[0].number, 1);
    EXPECT_TRUE(done[1].is_error());
    EXPECT_EQ(done[2].number, 2);

    std::vector<command> wrong;
    wrong.push_back(c.make("INCR").key("{t}n"));
    wrong.push_back(c.make("NO-SUCH-COMMAND"));
    EXPECT_EQ(co_await outcome_of(c.transaction(std::move(wrong))), "error ERR");
    EXPECT_EQ(co_await c.get("{t}n"), "2");  // nothing was done
  }(*cache));
}

TEST_P(redis_commands, watched_transactions_lose_no_increment) {
  std::atomic<int> running{0};
  auto const work = [](client& c, std::atomic<int>& left) -> task<> {
    for (int i = 0; i < 20; ++i) {
      auto const done = co_await c.optimistic(
          {"counter"},
          [&c](session& s) -> task<std::vector<command>> {
            auto const now = co_await s.get("counter");
            std::vector<command> all;
            all.push_back(c.make("SET").key("counter").arg(std::to_string(std::stoi(now.value_or("0")) + 1)));
            co_return all;
          },
          1000);
      EXPECT_TRUE(done.has_value());
    }
    --left;
  };
  for (int i = 0; i < 4; ++i) {
    ++running;
    on[static_cast<unsigned>(i) % 2].spawn(work(*cache, running));
  }
  ASSERT_TRUE(wait_until([&] { return running == 0; }));
  on.run([](client& c) -> task<> { EXPECT_EQ(co_await c.get("counter"), "80"); }(*cache));
  EXPECT_EQ(cache->use().own, 0u);
}

TEST_P(redis_commands, blocking_pops_do_not_hold_up_others) {
  std::atomic<bool> popped{false};
  on[0].spawn([](client& c, std::atomic<bool>& done) -> task<> {
    auto const got = co_await c.blpop({"queue"}, 20s);
    EXPECT_EQ(got, (std::pair<std::string, std::string>{"queue", "job"}));
    done = true;
  }(*cache, popped));
  ASSERT_TRUE(wait_until([&] { return cache->use().own == 1; }));
  on.run([](client& c) -> task<> {
    EXPECT_EQ(co_await c.get("anything"), std::nullopt);  // the shared connection is free
    EXPECT_EQ(co_await c.rpush("queue", {"job"}), 1);
    EXPECT_EQ(co_await c.brpop({"empty"}, 20ms), std::nullopt);
  }(*cache));
  EXPECT_TRUE(wait_until([&] { return popped.load(); }));
}

TEST_P(redis_commands, streams_with_groups) {
  on.run([](client& c) -> task<> {
    EXPECT_EQ(co_await c.xadd("s", {{"a", "1"}}, {.make_stream = false}), std::nullopt);
    EXPECT_TRUE(co_await c.xgroup_create("s", "g", "0"));
    EXPECT_FALSE(co_await c.xgroup_create("s", "g", "0"));
    texts ids;
    for (int i = 0; i < 5; ++i) ids.push_back((co_await c.xadd("s", {{"n", std::to_string(i)}, {"x", "y"}})).value());
    EXPECT_EQ(co_await c.xlen("s"), 5);
    auto const first = co_await c.xreadgroup_now("s", "g", "ada", 2);
    EXPECT_EQ(first.size(), 2u);
    EXPECT_EQ(first[0].id, ids[0]);
    EXPECT_THAT(first[0].fields, ElementsAre(std::pair{"n", "0"}, std::pair{"x", "y"}));
    EXPECT_EQ(co_await c.xack("s", "g", {ids[0]}), 1);
    auto const waiting = co_await c.xpending("s", "g");
    EXPECT_EQ(waiting.count, 1);
    EXPECT_THAT(waiting.consumers, ElementsAre(std::pair{"ada", 1}));
    auto const claimed = co_await c.xautoclaim("s", "g", "bob", 0ms);
    EXPECT_EQ(claimed.entries.size(), 1u);
    EXPECT_EQ(claimed.entries[0].id, ids[1]);
    EXPECT_EQ(claimed.next, "0-0");
    EXPECT_EQ((co_await c.xreadgroup("s", "g", "bob", 1s)).size(), 3u);
    EXPECT_TRUE((co_await c.xreadgroup("s", "g", "bob", 10ms)).empty());
    EXPECT_EQ((co_await c.xread("s", "0", 10ms)).size(), 5u);
    EXPECT_EQ(co_await c.xdel("s", {ids[4]}), 1);
    EXPECT_EQ((co_await c.xrange("s")).size(), 4u);
    EXPECT_EQ(co_await c.xtrim("s", 2, true), 2);
    (void)co_await c.xadd("s", {{"n", "last"}}, {.max_length = 1, .exact = true});
    EXPECT_EQ(co_await c.xlen("s"), 1);
    EXPECT_TRUE(co_await c.xgroup_destroy("s", "g"));
    EXPECT_EQ(co_await outcome_of(c.xreadgroup_now("s", "g", "ada")), "error NOGROUP");
  }(*cache));
}

TEST_P(redis_commands, a_session_writes_and_waits_for_replicas) {
  on.run([](client& c) -> task<> {
    auto mine = co_await c.own("k");
    EXPECT_TRUE(co_await mine.set("k", "v"));
    EXPECT_EQ(co_await mine.wait_for_replicas(1, 50ms), 0);  // there are none here
    EXPECT_EQ(co_await mine.get("k"), "v");
  }(*cache));
}

TEST_P(redis_commands, the_client_says_what_it_is) {
  EXPECT_THAT(cache->description(), HasSubstr("Redis "));
  EXPECT_THAT(cache->description(), HasSubstr("127.0.0.1:"));
  on.run(cache->check());
  EXPECT_GT(cache->use().commands, 0u);
  EXPECT_EQ(cache->use().errors, 0u);
}

}  // namespace
