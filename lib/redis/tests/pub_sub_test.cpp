#include "gate.hpp"
#include "server.hpp"

#include <gmock/gmock.h>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using namespace std::chrono_literals;

namespace {

struct redis_pub_sub : fixture {
  void SetUp() override {
    fixture::SetUp();
    if (IsSkipped()) return;
    behind.emplace();
    between.emplace(behind->port());
    auto s = with("redis://127.0.0.1:" + std::to_string(between->port()));
    s.health_interval = 300ms;
    s.request_timeout = 1s;
    cache.emplace(connect(s, on));
  }
  void TearDown() override { cache.reset(); }
  std::optional<server> behind;
  std::optional<gate> between;
  std::optional<client> cache;
};

TEST_F(redis_pub_sub, channels_and_patterns) {
  on.run([](client& c) -> task<> {
    auto news = co_await c.subscribe({"news"}, {"user.*"});
    EXPECT_EQ(co_await c.publish("news", "hello"), 1);
    EXPECT_EQ(co_await c.publish("user.7", "hi"), 1);
    EXPECT_EQ(co_await c.publish("other", "nobody"), 0);
    auto const first = co_await news.next();
    EXPECT_EQ(first.channel, "news");
    EXPECT_EQ(first.payload, "hello");
    EXPECT_EQ(first.pattern, "");
    auto const second = co_await news.next();
    EXPECT_EQ(second.channel, "user.7");
    EXPECT_EQ(second.pattern, "user.*");
    news.add("late");
    std::int64_t heard = 0;
    while (heard == 0) heard = co_await c.publish("late", "now");
    EXPECT_EQ((co_await news.next()).payload, "now");
    news.remove("late");
    while (heard != 0) heard = co_await c.publish("late", "again");
  }(*cache));
}

TEST_F(redis_pub_sub, comes_back_and_tells_the_gap) {
  on.run([](client& c, gate& g) -> task<> {
    auto news = co_await c.subscribe({"news"}, {"p.*"});
    g.cut();
    auto const gap = co_await news.next();
    EXPECT_EQ(gap.what, pub_sub_event::kind::gap);
    EXPECT_EQ(gap.lost, 0u);
    for (std::int64_t heard = 0; heard == 0;) {
      try {
        heard = co_await c.publish("p.1", "after");
      } catch (unavailable_error const&) {  // its own connection was cut as well
      }
    }
    EXPECT_EQ((co_await news.next()).payload, "after");
  }(*cache, *between));
}

TEST_F(redis_pub_sub, what_comes_after_a_gap_is_heard) {
  auto direct = connect(with(behind->url()), on);
  on.run([](client& c, client& past_the_gate, gate& g) -> task<> {
    auto news = co_await c.subscribe({"news"}, {"p.*"});
    for (int i = 0; i < 5; ++i) {
      g.cut();
      EXPECT_EQ((co_await news.next()).what, pub_sub_event::kind::gap);
      EXPECT_EQ(co_await past_the_gate.publish("news", "a"), 1);
      EXPECT_EQ(co_await past_the_gate.publish("p.1", "b"), 1);
      EXPECT_EQ((co_await news.next()).payload, "a");
      EXPECT_EQ((co_await news.next()).payload, "b");
    }
  }(*cache, direct, *between));
}

TEST_F(redis_pub_sub, a_gap_that_finds_the_queue_full_is_told_all_the_same) {
  auto direct = connect(with(behind->url()), on);
  on.run([](client& c, client& past_the_gate, gate& g) -> task<> {
    auto news = co_await c.subscribe({"news"}, {}, {.queue = 2});
    g.cut();
    while (c.use().gaps == 0) co_await sleep_for(5ms);
    co_await past_the_gate.publish("news", "first");
    co_await past_the_gate.publish("news", "second");  // drives the gap out
    while (c.use().gaps == 1) co_await sleep_for(5ms);
    EXPECT_EQ((co_await news.next()).what, pub_sub_event::kind::gap);
    EXPECT_EQ((co_await news.next()).payload, "first");
    EXPECT_EQ((co_await news.next()).payload, "second");
  }(*cache, direct, *between));
}

TEST_F(redis_pub_sub, a_silent_server_is_noticed) {
  on.run([](client& c, gate& g) -> task<> {
    auto news = co_await c.subscribe({"news"});
    g.set(gate::mode::stall);
    co_await sleep_for(1'500ms);
    g.set(gate::mode::pass);
    EXPECT_EQ((co_await news.next()).what, pub_sub_event::kind::gap);
  }(*cache, *between));
}

TEST_F(redis_pub_sub, a_slow_reader_is_told_what_it_missed) {
  on.run([](client& c) -> task<> {
    auto news = co_await c.subscribe({"news"}, {}, {.queue = 10});
    for (int i = 0; i < 25; ++i) co_await c.publish("news", std::to_string(i));
    (void)co_await c.subscribe({"x"});  // by then all of it has come
    auto const gap = co_await news.next();
    EXPECT_EQ(gap.what, pub_sub_event::kind::gap);
    EXPECT_EQ(gap.lost, 15u);
    for (int i = 15; i < 25; ++i) EXPECT_EQ((co_await news.next()).payload, std::to_string(i));
  }(*cache));
}

TEST_F(redis_pub_sub, waiting_can_be_cancelled) {
  on.run([](client& c) -> task<> {
    auto news = co_await c.subscribe({"news"});
    context short_lived;
    std::string what = "not over";
    start_detached([](subscription& s, std::string& out) -> task<> { out = co_await outcome_of(s.next()); }(news, what),
                   &short_lived);
    short_lived.cancel(cancel_reason::client_gone);
    EXPECT_EQ(what, "cancelled");
    co_await c.publish("news", "still there");
    EXPECT_EQ((co_await news.next()).payload, "still there");
  }(*cache));
}

TEST_F(redis_pub_sub, a_forbidden_channel_is_an_error) {
  behind->cli({"acl", "setuser", "poor", "on", ">pw", "~*", "+@all", "resetchannels", "&t:open"});
  auto s = with("redis://poor:pw@127.0.0.1:" + std::to_string(behind->port()));
  s.request_timeout = s.connect_timeout = 300ms;
  auto poor = connect(s, on);
  on.run([](client& c) -> task<> {
    (void)co_await c.subscribe({"open"});
    try {
      (void)co_await c.subscribe({"closed"});
      ADD_FAILURE();
    } catch (unavailable_error const& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("NOPERM"));
    }
  }(poor));
}

// It asks again later and later, and what it does not hear is one gap and not as many as it has asked.
TEST_F(redis_pub_sub, a_channel_that_is_forbidden_later) {
  behind->cli({"acl", "setuser", "poor", "on", ">pw", "~*", "+@all", "resetchannels", "&t:news"});
  auto poor = connect(with("redis://poor:pw@127.0.0.1:" + std::to_string(behind->port())), on);
  on.run([](client& c, server& redis) -> task<> {
    auto news = co_await c.subscribe({"news"});
    auto const before = c.use();
    auto const from = std::chrono::steady_clock::now();
    redis.cli({"acl", "setuser", "poor", "resetchannels"});
    while (c.use().connects < before.connects + 8) co_await sleep_for(5ms);
    EXPECT_GT(std::chrono::steady_clock::now() - from, 1s);
    EXPECT_EQ(c.use().gaps, before.gaps);
    redis.cli({"acl", "setuser", "poor", "&t:news"});
    EXPECT_EQ((co_await news.next()).what, pub_sub_event::kind::gap);
    EXPECT_EQ(c.use().gaps, before.gaps + 1);
    EXPECT_EQ(co_await c.publish("news", "allowed again"), 1);
    EXPECT_EQ((co_await news.next()).payload, "allowed again");
  }(poor, *behind));
}

}  // namespace
