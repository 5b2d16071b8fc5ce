#include <slipway/auth/throttle.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <string>

namespace slipway::auth {
namespace {

using namespace std::chrono_literals;
using tests::noon;

TEST(delay_after, doubles_up_to_its_bound_and_wears_off) {
  auto const wait = [](std::uint32_t failures, std::chrono::microseconds later) {
    return delay_after({failures, noon}, noon + later, 3, 1s, 60s, 1h);
  };
  EXPECT_EQ(wait(2, 0s), 0ms);
  EXPECT_EQ(wait(3, 0s), 1s);
  EXPECT_EQ(wait(4, 0s), 2s);
  EXPECT_EQ(wait(8, 0s), 32s);
  EXPECT_EQ(wait(9, 0s), 60s);
  EXPECT_EQ(wait(4'000'000'000, 0s), 60s);
  EXPECT_EQ(wait(4, 1500ms), 500ms);
  EXPECT_EQ(wait(4, 2s), 0ms);
  EXPECT_EQ(wait(4, -5h), 2s);  // the clock went back: no longer than from the start
  EXPECT_EQ(delay_after({9, noon}, noon + 1h, 3, 2h, 3h, 1h), 0ms);
}

TEST(delay_after, pending_weighs_as_failures_do) {
  auto const wait = [](failure_count const& c) { return delay_after(c, noon, 3, 1s, 60s, 1h); };
  EXPECT_EQ(wait({2, noon - 5s, 1, noon}), 1s);
  EXPECT_EQ(wait({2, noon - 5s, 2, noon}), 2s);
  EXPECT_EQ(wait({2, noon, 2, noon - 2h}), 0ms);
  EXPECT_EQ(wait({9, noon - 2h, 1, noon}), 0ms);
  EXPECT_EQ(wait({0, {}, 3, noon}), 1s);
}

struct throttle : testing::Test {
  manual_clock clock{noon};
  seeded_random random{1};
  throttle_settings settings{
      .free_attempts = 3, .first_delay = 1s, .longest_delay = 600s, .forget_after = 1h, .entries = 100};
  login_throttle t{settings, clock, random};
  void fail(int times, std::string_view account = "a@example.org", std::string_view address = "192.0.2.1") {
    for (int i = 0; i < times; ++i) t.failed(account, address);
  }
};

TEST_F(throttle, waits_after_the_free_attempts) {
  fail(2);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
  fail(1);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 1s);
  fail(2);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 4s);
  clock.advance(3500ms);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 1s);  // rounded up
  clock.advance(500ms);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
}

TEST_F(throttle, another_address_of_the_owner_is_not_locked_out) {
  fail(11);
  EXPECT_GT(t.ask("a@example.org", "192.0.2.1"), 60s);
  EXPECT_EQ(t.ask("a@example.org", "198.51.100.7"), 0s);
}

TEST_F(throttle, many_addresses_at_one_account_slow_it_for_half_a_minute_at_most) {
  for (int i = 0; i < 25; ++i) t.failed("a@example.org", "192.0.2." + std::to_string(i));
  EXPECT_GT(t.ask("a@example.org", "198.51.100.7"), 0s);
  EXPECT_LE(t.ask("a@example.org", "198.51.100.7"), 30s);
}

TEST_F(throttle, one_address_at_many_accounts_waits) {
  for (int i = 0; i < 31; ++i) t.failed("user" + std::to_string(i), "192.0.2.1");
  EXPECT_GT(t.ask("somebody else", "192.0.2.1"), 0s);
  t.succeeded("an own account", "192.0.2.1");
  EXPECT_GT(t.ask("somebody else", "192.0.2.1"), 0s);
}

TEST_F(throttle, success_forgives) {
  fail(5);
  t.succeeded("a@example.org", "192.0.2.1");
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
}

TEST_F(throttle, attempts_count_from_the_moment_they_are_let_in) {
  int let_in = 0;
  for (int i = 0; i < 25; ++i) let_in += t.ask("a@example.org", "192.0.2.1") == 0s;
  EXPECT_EQ(let_in, 3);
  EXPECT_EQ(t.ask("a@example.org", "198.51.100.7"), 0s) << "the owner, elsewhere";
  fail(3);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 1s) << "a failure takes the place of its attempt";
}

TEST_F(throttle, a_success_takes_back_what_its_attempt_counted_for_the_address) {
  for (int i = 0; i < 200; ++i) {
    auto const name = "user" + std::to_string(i);
    ASSERT_EQ(t.ask(name, "192.0.2.1"), 0s);
    t.succeeded(name, "192.0.2.1");
  }
  EXPECT_EQ(t.size(), 0u);
  fail(31, "nobody");
  clock.advance(3s);
  ASSERT_EQ(t.ask("user", "192.0.2.1"), 0s);
  t.succeeded("user", "192.0.2.1");
  EXPECT_EQ(t.ask("another", "192.0.2.1"), 0s) << "who logs in makes nobody behind the same address wait";
}

TEST_F(throttle, an_attempt_that_was_withdrawn_was_none) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
    t.withdrawn("a@example.org", "192.0.2.1");
  }
  EXPECT_EQ(t.size(), 0u);
}

TEST_F(throttle, an_attempt_without_an_end_is_forgotten_as_a_failure_is) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 1s);
  clock.advance(1h);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
}

TEST_F(throttle, an_old_count_starts_anew) {
  fail(8);
  clock.advance(1h);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
  fail(1);
  EXPECT_EQ(t.ask("a@example.org", "192.0.2.1"), 0s);
}

TEST_F(throttle, memory_is_bounded_and_the_oldest_goes_first) {
  fail(5, "first", "203.0.113.1");
  for (int i = 0; i < 1000; ++i) t.failed("user" + std::to_string(i), "addr" + std::to_string(i));
  EXPECT_LE(t.size(), 100u);
  EXPECT_EQ(t.ask("first", "203.0.113.1"), 0s);
  fail(5, "user999", "addr999");
  EXPECT_GT(t.ask("user999", "addr999"), 0s);
}

TEST_F(throttle, names_cannot_be_shifted_into_each_other) {
  fail(5, "ab", "c");
  EXPECT_EQ(t.ask("a", "bc"), 0s);
}

}  // namespace
}  // namespace slipway::auth
