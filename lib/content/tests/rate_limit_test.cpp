#include <slipway/content/rate_limit.hpp>
#include <slipway/runtime/shards.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace slipway::content {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

int ask(rate_limiter& l, std::uint64_t address, std::uint64_t at, http::route const* r = nullptr) {
  call c;
  c.x.request.peer.address_hash = address;
  c.x.started_ticks = at;
  c.x.route = r;
  return l.before(c.x) ? 200 : c.x.response.status;
}

TEST(rate_limit, burst_then_pace) {
  rate_limiter l{{.everyone = {.count = 60, .window = std::chrono::seconds{60}, .burst = 5}}, 1};
  std::uint64_t const address = 0x1234'5678'9abc'def0, start = 1000 * second;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(l, address, start), 200) << i;
  EXPECT_EQ(ask(l, address, start), 429);
  EXPECT_EQ(ask(l, address, start + second - 1), 429);
  EXPECT_EQ(ask(l, address, start + second), 200) << "one token a second";
  EXPECT_EQ(ask(l, address, start + second), 429);
  EXPECT_EQ(ask(l, address + 2, start), 200) << "another address";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(l, address, start + 100 * second), 200) << "full again, not fuller";
  EXPECT_EQ(ask(l, address, start + 100 * second), 429);
  EXPECT_EQ(l.refused(), 4u);
}

TEST(rate_limit, tells_when_to_come_back) {
  rate_limiter l{{.everyone = {.count = 2, .window = std::chrono::seconds{60}}, .headers_always = true}, 1};
  call first, second_call, third;
  for (auto* c : {&first, &second_call, &third}) {
    c->x.request.peer.address_hash = 7;
    c->x.started_ticks = 5 * second;
  }
  EXPECT_TRUE(l.before(first.x));
  EXPECT_EQ(first.sent("RateLimit"), "\"default\";r=1;t=30");
  EXPECT_TRUE(l.before(second_call.x));
  EXPECT_FALSE(l.before(third.x));
  EXPECT_EQ(third.x.response.status, 429);
  EXPECT_STREQ(third.x.fault_code, "too_many_requests");
  EXPECT_EQ(third.sent("Retry-After"), "30");
  EXPECT_EQ(third.sent("RateLimit-Policy"), "\"default\";q=2;w=60");
  EXPECT_EQ(third.sent("RateLimit"), "\"default\";r=0;t=30");
}

TEST(rate_limit, a_divided_limit_tells_the_pace_of_one_shard) {
  rate_limiter l{{.everyone = {.count = 2, .window = std::chrono::seconds{60}}}, 3};
  auto const tell = [&l] {
    call c;
    c.x.request.peer.address_hash = 7;
    c.x.started_ticks = 5 * second;
    l.before(c.x);
    return std::string{c.sent("RateLimit-Policy")};
  };
  EXPECT_EQ(tell() + tell(), "") << "both pass";
  EXPECT_EQ(tell(), "\"default\";q=2;w=180");
}

TEST(rate_limit, a_route_without_any_is_exempt_also_from_everyones) {
  rate_limiter l{{.everyone = {.count = 1}}, 1};
  http::route probe;
  probe.index = 2;
  l.limit(probe, {});
  EXPECT_EQ(ask(l, 5, 50 * second), 200);
  EXPECT_EQ(ask(l, 5, 50 * second), 429);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(l, 5, 50 * second, &probe), 200);
}

TEST(rate_limit, changes_while_it_serves) {
  rate_limiter l{{.enabled = false, .everyone = {.count = 1}}, 1};
  http::route own;
  own.index = 0;
  l.limit(own, {.count = 1});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(l, 5, 50 * second), 200) << "turned off";
    EXPECT_EQ(ask(l, 5, 50 * second, &own), 200) << "turned off";
  }
  l.change_here(true, {.count = 2});
  EXPECT_EQ(ask(l, 5, 50 * second, &own), 200);
  EXPECT_EQ(ask(l, 5, 50 * second, &own), 429);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask(l, 5, 50 * second), 200);
  EXPECT_EQ(ask(l, 5, 50 * second), 429);
  l.change_here(true, {.count = 4});
  EXPECT_EQ(ask(l, 5, 50 * second), 429) << "what was used stays used: 60 s of a full bucket";
  EXPECT_EQ(ask(l, 5, 65 * second), 200);
  EXPECT_THROW(l.change_here(true, {.count = 1, .window = std::chrono::seconds{0}}), std::invalid_argument);
  EXPECT_EQ(ask(l, 5, 80 * second), 200) << "the old limit holds";
}

TEST(rate_limit, routes_have_their_own) {
  rate_limiter l{{.everyone = {.count = 100, .window = std::chrono::seconds{1}}}, 4};
  http::route login, open, other;
  login.index = 3;
  open.index = 1;
  other.index = 0;
  l.limit(login, {.count = 2, .window = std::chrono::minutes{1}});
  l.limit(open, {});
  EXPECT_EQ(ask(l, 9, second, &login), 200);
  EXPECT_EQ(ask(l, 9, second, &login), 200);
  EXPECT_EQ(ask(l, 9, second, &login), 429) << "exact, however many shards there are";
  EXPECT_EQ(ask(l, 9, second, &other), 200);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(ask(l, 9, second, &open), 200);
  EXPECT_THROW(l.limit(login, {.count = 1, .window = std::chrono::seconds{0}}), std::invalid_argument);
  rate_limiter none{{}, 1};
  for (int i = 0; i < 500; ++i) EXPECT_EQ(ask(none, 9, second), 200);
}

TEST(rate_limit, is_divided_between_shards) {
  shards s{2};
  rate_limiter l{{.everyone = {.count = 60, .window = std::chrono::seconds{60}, .burst = 1}}, 2};
  int passed = 0;
  s.on_each([&](shard&) {
    for (std::uint64_t t = 0; t < 600; ++t)  // ten minutes: 600 tokens in all
      if (ask(l, 77, 1000 * second + t * second) == 200) ++passed;
  });
  EXPECT_EQ(passed, 600);
}

TEST(rate_limit, exact_over_threads) {
  bucket_table table{1024};
  bucket_table::pace const p{second, 1000 * second};
  std::atomic<int> passed{0};
  {
    std::vector<std::jthread> threads;
    ASSERT_EQ(table.take(5, second, p), 0u);  // the address is known before they meet
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 1000; ++k)
          if (table.take(5, second, p) == 0) passed.fetch_add(1);
      });
  }
  EXPECT_EQ(passed.load(), 999);
}

TEST(rate_limit, a_flood_of_addresses_forgets_the_least_used_first) {
  bucket_table table{4};  // one set of four
  bucket_table::pace const p{second, 10 * second};
  auto const now = 100 * second;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(table.take(2, now, p), 0u);
  EXPECT_NE(table.take(2, now, p), 0u);
  for (std::uint64_t k = 10; k < 10'000; k += 2) EXPECT_EQ(table.take(k, now, p), 0u);
  EXPECT_NE(table.take(2, now, p), 0u) << "who has used up its limit is remembered";
  EXPECT_EQ(table.left(2, now, p), 0u);
  EXPECT_EQ(table.left(99'999, now, p), 10u);
}

}  // namespace
}  // namespace slipway::content
