// When a request is tried again.
#include "client_fixture.hpp"

#include <atomic>

namespace slipway::http_client {
namespace {

TEST_F(Client, TriesAgainWhereThatIsSafe) {
  std::atomic<int> bad{1};
  test_server server{[&](auto const&, int) { return bad-- > 0 ? answer(503) : answer(200); }};
  client http{on, local()};
  auto const a = get(http, {.url = server.url()});
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.attempts, 2);
  bad = 1;
  EXPECT_EQ(get(http, {.method = "POST", .url = server.url(), .body = "x"}).status, 503);
  bad = 1;
  EXPECT_EQ(
      get(http, {.method = "POST", .url = server.url(), .headers = {{"Idempotency-Key", "k"}}, .body = "x"}).status,
      200);
  bad = 1;
  EXPECT_EQ(get(http, {.method = "POST", .url = server.url(), .body = "x", .idempotent = true}).status, 200);
  bad = 100;
  auto const given_up = get(http, {.url = server.url()});
  EXPECT_EQ(given_up.status, 503);
  EXPECT_EQ(given_up.attempts, 3);
  EXPECT_EQ(http.counters().retries, 5u);
}

TEST_F(Client, TriesAgainWhenTheConnectionBroke) {
  test_server server{[](auto const&, int n) {
    return n <= 1 ? std::string{"HTTP/1.1 200 x\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhalf"}
                  : answer(200, "x");
  }};
  client http{on, local()};
  EXPECT_EQ(get(http, {.url = server.url()}).body, "x");
  test_server never{[](auto const&, int) { return std::string{}; }};
  EXPECT_EQ(fails(http, {.method = "POST", .url = never.url(), .body = "x"}), failure::interrupted);
  EXPECT_EQ(never.requests().size(), 1u);
}

// Answers, and then closes the connection that it kept without an answer to the second request. Whether it has done
// what it was asked, nobody knows.
std::string closes_the_second(std::string const&, int n) { return n == 2 ? std::string{} : answer(200, "x"); }

TEST_F(Client, SendsNothingTwiceThatMayNotBeWhenAKeptConnectionBreaks) {
  test_server server{closes_the_second};
  client http{on, local()};
  get(http, {.url = server.url()});
  EXPECT_EQ(fails(http, {.method = "POST", .url = server.url("/charge"), .body = "x"}), failure::interrupted);
  EXPECT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.connection_count(), 1);
  EXPECT_EQ(http.counters().retries, 0u);
}

TEST_F(Client, CountsWhatItSendsAgainWhenAKeptConnectionBreaks) {
  test_server server{closes_the_second};
  client http{on, local()};
  EXPECT_EQ(get(http, {.url = server.url()}).attempts, 1);
  auto const a = get(http, {.url = server.url()});
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.attempts, 2);
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(http.counters().retries, 1u);
  EXPECT_EQ(http.counters().connections, static_cast<std::uint64_t>(server.connection_count()));
}

TEST_F(Client, SendsOnlyOnceWhenThatIsAsked) {
  test_server server{closes_the_second};
  client http{on, local({.retry = {.attempts = 1}})};
  get(http, {.url = server.url()});
  EXPECT_EQ(fails(http, {.url = server.url()}), failure::interrupted);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(Client, KnowsThatItHasSentThoughNobodyAnswersAfterwards) {
  test_server* gone = nullptr;
  test_server server{[&](auto const& r, int n) {
    if (n == 2) gone->stop_listening();
    return closes_the_second(r, n);
  }};
  gone = &server;
  client http{on, local()};
  get(http, {.url = server.url()});
  EXPECT_EQ(fails(http, {.method = "POST", .url = server.url("/charge"), .body = "x"}), failure::interrupted);
  EXPECT_EQ(http.counters().retries, 0u);
}

TEST_F(Client, HonoursRetryAfter) {
  test_server server{[](auto const&, int n) {
    return n == 1 ? answer(429, "", "Retry-After: 1\r\n") : answer(503, "", "Retry-After: 3600\r\n");
  }};
  client http{on, local()};
  auto const began = std::chrono::steady_clock::now();
  auto const a = get(http, {.url = server.url()});
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_EQ(a.status, 503);  // an hour is too long to wait
  EXPECT_EQ(a.attempts, 2);
}

TEST_F(Client, DoesNotWaitPastItsTimeLimit) {
  test_server server{[](auto const&, int) { return answer(503, "", "Retry-After: 5\r\n"); }};
  client http{on, local()};
  auto const began = std::chrono::steady_clock::now();
  EXPECT_EQ(get(http, {.url = server.url(), .timeout = 2s}).status, 503);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

TEST_F(Client, TriesAgainWhateverTheMethodWhenNothingWasSent) {
  client http{on, local()};
  EXPECT_EQ(fails(http, {.method = "POST", .url = nobody(), .body = "x"}), failure::connect);
  EXPECT_EQ(http.counters().retries, 2u);
  EXPECT_EQ(fails(http, {.url = "http://does-not-exist.invalid/"}), failure::resolve);
}

TEST_F(Client, RetriesOnlyAShareOfItsRequests) {
  test_server server{[](auto const&, int) { return answer(502); }};
  auto s = local();
  s.retry.budget_burst = 3;
  s.retry.budget_ratio = 0;
  s.breaker.enabled = false;
  client http{on, s};
  for (int i = 0; i < 10; ++i) get(http, {.url = server.url()});
  EXPECT_EQ(http.counters().retries, 3u);
}

TEST_F(Client, LeavesAHostAloneThatFails) {
  manual_clock clock{time_point{}};
  std::atomic<bool> ill{true};
  test_server server{[&](auto const&, int) { return ill ? answer(500) : answer(200); }};
  test_server other{[](auto const&, int) { return answer(200); }};
  client http{on, local({.breaker = {.least_calls = 4, .open_for = 5s, .probes = 1}}), nullptr, clock};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(http, {.url = server.url()}).status, 500);
  try {
    get(http, {.url = server.url()});
    ADD_FAILURE();
  } catch (request_error const& error) {
    EXPECT_EQ(error.why(), failure::circuit_open);
    EXPECT_EQ(error.retry_after(), 5s);
  }
  EXPECT_EQ(server.requests().size(), 4u);
  EXPECT_EQ(get(http, {.url = other.url()}).status, 200);  // others are not concerned
  ill = false;
  clock.advance(5s);
  EXPECT_EQ(get(http, {.url = server.url()}).status, 200);
  EXPECT_EQ(get(http, {.url = server.url()}).status, 200);
  EXPECT_EQ(http.counters().breaker_refusals, 1u);
}

TEST_F(Client, DoesNotFeedASinkTwice) {
  test_server server{[](auto const&, int) {
    return std::string{"HTTP/1.1 200 x\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhalf"};
  }};
  client http{on, local()};
  std::string got;
  EXPECT_EQ(fails(http, {.url = server.url(),
                         .sink =
                             [&](std::string_view p) {
                               got += p;
                               return true;
                             }}),
            failure::interrupted);
  EXPECT_EQ(got, "half");
}

}  // namespace
}  // namespace slipway::http_client
