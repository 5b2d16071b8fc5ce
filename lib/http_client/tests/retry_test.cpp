#include <slipway/http_client/retry.hpp>

#include <gtest/gtest.h>

namespace slipway::http_client {
namespace {

using namespace std::chrono_literals;

TEST(Retry, IsForIdempotentMethods) {
  for (auto const* m : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) EXPECT_TRUE(is_idempotent(m));
  for (auto const* m : {"POST", "PATCH", "get", "CONNECT", ""}) EXPECT_FALSE(is_idempotent(m));
  for (int s : {429, 502, 503, 504}) EXPECT_TRUE(is_retryable_status(s));
  for (int s : {200, 400, 404, 409, 500, 501, 505}) EXPECT_FALSE(is_retryable_status(s));
}

TEST(RetryAfter, IsSecondsOrADate) {
  time_point const now = std::chrono::sys_days{std::chrono::year{1994} / 11 / 6} + 8h + 49min + 30s;
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after("0", now), 0s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 7s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), 0s);
  EXPECT_GT(parse_retry_after("99999999999999999999", now), std::chrono::hours{24});
  for (auto const* bad : {"", "-1", "1.5", "soon", "12 s"}) EXPECT_FALSE(parse_retry_after(bad, now)) << bad;
}

TEST(Backoff, IsRandomBelowADoublingBound) {
  seeded_random random{3};
  retry_settings const s{.first_wait = 100ms, .longest_wait = 1'000ms};
  for (unsigned attempt = 1; attempt < 70; ++attempt) {
    auto const bound = attempt < 5 ? 100ms * (1 << (attempt - 1)) : 1'000ms;
    std::chrono::milliseconds longest{0}, shortest{10'000};
    for (int i = 0; i < 200; ++i) {
      auto const wait = backoff(s, attempt, random);
      ASSERT_GE(wait, 0ms);
      ASSERT_LE(wait, std::min<std::chrono::milliseconds>(bound, 1'000ms));
      longest = std::max(longest, wait);
      shortest = std::min(shortest, wait);
    }
    EXPECT_GT(longest, std::min<std::chrono::milliseconds>(bound, 1'000ms) / 2);
    EXPECT_LT(shortest, std::min<std::chrono::milliseconds>(bound, 1'000ms) / 2);
  }
}

TEST(RetryBudget, LetsAShareOfRequestsBeRetried) {
  retry_budget budget{{.budget_ratio = 0.1, .budget_burst = 2}};
  EXPECT_TRUE(budget.take());
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  for (int i = 0; i < 11; ++i) budget.request_made();
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
}

}  // namespace
}  // namespace slipway::http_client
