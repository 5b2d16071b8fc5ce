#include <slipway/http_client/client.hpp>
#include <slipway/metrics/registry.hpp>
#include <slipway/trace/tracer.hpp>

#include "test_server.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <semaphore>

namespace slipway::http_client {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

settings local(settings s = {}) {
  s.private_addresses = true;
  s.retry.first_wait = 1ms;
  return s;
}

struct Client : testing::Test {
  shards on{1};

  response get(client& c, request r) { return on.run(c.send(std::move(r))); }
  // The failure that the request ends with; an answer fails the test.
  failure fails(client& c, request r) {
    try {
      auto const a = get(c, std::move(r));
      ADD_FAILURE() << "an answer came: " << a.status;
    } catch (request_error const& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
      return error.why();
    }
    return failure::invalid;
  }
};

TEST_F(Client, GetsAnAnswer) {
  test_server server{[](auto const&, int) { return answer(404, "nothing", "X-One: a\r\nx-two:  b \r\n"); }};
  client http{on, local({.user_agent = "notes/1.0"})};
  auto const a = get(http, {.url = server.url("/v1/a?b=c#fragment"), .headers = {{"X-Mine", "1"}, {"X-Empty", ""}}});
  EXPECT_EQ(a.status, 404);
  EXPECT_FALSE(a.ok());
  EXPECT_EQ(a.body, "nothing");
  EXPECT_EQ(a.header("x-one"), "a");
  EXPECT_EQ(a.header("X-TWO"), "b");
  EXPECT_EQ(a.header("x-three"), "");
  EXPECT_EQ(a.attempts, 1);
  auto const sent = server.requests().at(0);
  EXPECT_THAT(sent, testing::StartsWith("GET /v1/a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(sent, HasSubstr("User-Agent: notes/1.0\r\n"));
  EXPECT_THAT(sent, HasSubstr("X-Mine: 1\r\n"));
  EXPECT_THAT(sent, HasSubstr("X-Empty:"));
  EXPECT_THAT(sent, Not(HasSubstr("traceparent")));
}

TEST_F(Client, SendsABodyWithoutInventingAType) {
  test_server server{[](auto const&, int) { return answer(201); }};
  client http{on, local()};
  EXPECT_EQ(get(http, {.method = "POST", .url = server.url(), .body = std::string(100'000, 'x')}).status, 201);
  auto const sent = server.requests().at(0);
  EXPECT_THAT(sent, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_THAT(sent, Not(HasSubstr("Content-Type")));
  EXPECT_THAT(sent, Not(HasSubstr("Expect")));
  EXPECT_EQ(get(http, {.method = "PUT", .url = server.url(), .headers = {{"Content-Type", "text/plain"}}, .body = "a"})
                .status,
            201);
  EXPECT_THAT(server.requests().at(1), HasSubstr("PUT / "));
  EXPECT_THAT(server.requests().at(1), HasSubstr("Content-Type: text/plain\r\n"));
  get(http, {.method = "POST", .url = server.url()});
  EXPECT_THAT(server.requests().at(2), HasSubstr("Content-Length: 0\r\n"));
  get(http, {.method = "DELETE", .url = server.url()});
  EXPECT_THAT(server.requests().at(3), Not(HasSubstr("Content-Length")));
}

TEST_F(Client, AsksForAHeadAlone) {
  test_server server{[](auto const&, int) { return std::string{"HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n"}; }};
  client http{on, local()};
  auto const a = get(http, {.method = "HEAD", .url = server.url()});
  EXPECT_EQ(a.header("content-length"), "5");
  EXPECT_EQ(a.body, "");
}

TEST_F(Client, UsesAConnectionAgain) {
  test_server server{[](auto const&, int) { return answer(200, "x"); }};
  client http{on, local()};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(http, {.url = server.url()}).body, "x");
  EXPECT_EQ(server.connection_count(), 1);
  EXPECT_EQ(http.counters().connections, 1u);
  EXPECT_EQ(http.counters().requests, 10u);
  EXPECT_EQ(http.counters().in_flight, 0);
}

TEST_F(Client, NoticesThatAnIdleConnectionWasClosed) {
  test_server server{[](auto const&, int) { return answer(200, "x", "Connection: close\r\n"); }};
  client http{on, local()};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(http, {.url = server.url()}).status, 200);
  EXPECT_EQ(server.connection_count(), 3);
}

task<> one_of_many(client& c, std::string url, std::atomic<int>& good, std::atomic<int>& left,
                   std::binary_semaphore& all) {
  auto const a = co_await c.send({.url = url});
  good += a.status == 200;
  if (--left == 0) all.release();
}

TEST(Clients, KeepToTheirNumberOfConnections) {
  shards on{2};
  test_server server{[](auto const&, int) { return answer(200, "x"); }};
  client http{on, local({.connections_per_host = 3})};
  std::atomic<int> good{0}, left{400};
  std::binary_semaphore all{0};
  for (unsigned i = 0; i < 400; ++i) on[i % 2].spawn(one_of_many(http, server.url(), good, left, all));
  all.acquire();
  EXPECT_EQ(good, 400);
  EXPECT_LE(server.connection_count(), 6);
  EXPECT_EQ(http.counters().connections, static_cast<std::uint64_t>(server.connection_count()));
}

// A server that does not answer until the test ends.
struct Silent {
  std::counting_semaphore<> asked{0}, end{0};
  test_server server{[this](auto const&, int) {
    asked.release();
    end.acquire();
    return answer(200);
  }};
  ~Silent() { end.release(100); }
};

TEST_F(Client, GivesUpAtItsOwnTimeLimit) {
  Silent silent;
  client http{on, local()};
  EXPECT_EQ(fails(http, {.url = silent.server.url("/secret"), .timeout = 50ms}), failure::timeout);
  EXPECT_EQ(silent.server.requests().size(), 1u);  // no time was left for another attempt
}

task<response> within(client& c, request r, context& operation) {
  co_await detail::with_context{&operation};
  co_return co_await c.send(std::move(r));
}

TEST_F(Client, GivesUpAtTheOperationsDeadline) {
  Silent silent;
  client http{on, local()};
  context operation;
  operation.deadline = context::clock::now() + 50ms;
  try {
    on.run(within(http, {.url = silent.server.url()}, operation));
    ADD_FAILURE();
  } catch (cancelled_error const& error) {
    EXPECT_EQ(error.why(), cancel_reason::deadline);
  }
}

task<cancel_reason> reason_of(client& c, request r, context& operation) {
  try {
    (void)co_await within(c, std::move(r), operation);
  } catch (cancelled_error const& error) {
    co_return error.why();
  }
  co_return cancel_reason::none;
}

task<> keep(task<cancel_reason> inner, cancel_reason& why, std::binary_semaphore& over) {
  why = co_await std::move(inner);
  over.release();
}

TEST_F(Client, EndsAtOnceWhenItsOperationIsCancelled) {
  Silent silent;
  client http{on, local()};
  context operation;
  cancel_reason why{};
  std::binary_semaphore over{0};
  on[0].spawn(keep(reason_of(http, {.url = silent.server.url()}, operation), why, over));
  silent.asked.acquire();
  on[0].post([&] { operation.cancel(cancel_reason::client_gone); });
  over.acquire();
  EXPECT_EQ(why, cancel_reason::client_gone);
  EXPECT_EQ(http.counters().in_flight, 0);
  // The loop and the client go on.
  test_server other{[](auto const&, int) { return answer(200); }};
  EXPECT_EQ(get(http, {.url = other.url()}).status, 200);
}

TEST_F(Client, EndsItsRequestsWhenItGoes) {
  Silent silent;
  auto http = std::make_unique<client>(on, local());
  context operation;
  cancel_reason why{};
  std::binary_semaphore over{0};
  on[0].spawn(keep(reason_of(*http, {.url = silent.server.url()}, operation), why, over));
  silent.asked.acquire();
  http.reset();
  over.acquire();
  EXPECT_EQ(why, cancel_reason::shutdown);
}

TEST_F(Client, EndsARequestThatWaitsForItsNextAttemptWhenItGoes) {
  std::counting_semaphore<> asked{0};
  test_server server{[&](auto const&, int) {
    asked.release();
    return answer(503, "", "Retry-After: 9\r\n");
  }};
  auto http = std::make_unique<client>(on, local());
  context operation;
  cancel_reason why{};
  std::binary_semaphore over{0};
  on[0].spawn(keep(reason_of(*http, {.url = server.url()}, operation), why, over));
  asked.acquire();
  while (http->counters().retries == 0) std::this_thread::yield();
  http.reset();
  over.acquire();
  EXPECT_EQ(why, cancel_reason::shutdown);
}

TEST_F(Client, TakesNoMoreThanItWants) {
  std::string reply;
  test_server server{[&](auto const&, int) { return reply; }};
  client http{on, local({.max_head = 2'000, .max_body = 1'000})};
  reply = answer(200, std::string(1'000, 'x'));
  EXPECT_EQ(get(http, {.url = server.url()}).body.size(), 1'000u);
  reply = answer(200, std::string(1'001, 'x'));
  EXPECT_EQ(fails(http, {.url = server.url()}), failure::too_large);
  EXPECT_EQ(get(http, {.url = server.url(), .max_body = 1'001}).body.size(), 1'001u);
  reply = "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1'001, 'x') + "\r\n0\r\n\r\n";
  EXPECT_EQ(fails(http, {.url = server.url()}), failure::too_large);
  reply = "HTTP/1.1 200 x\r\nConnection: close\r\n\r\n" + std::string(5'000, 'x');
  EXPECT_EQ(fails(http, {.url = server.url()}), failure::too_large);
  reply = answer(200, "", "X-Long: " + std::string(2'000, 'x') + "\r\n");
  EXPECT_EQ(fails(http, {.url = server.url()}), failure::too_large);
}

TEST_F(Client, RefusesPrivateAddressesUnlessTold) {
  test_server server{[](auto const&, int) { return answer(200); }};
  client strict{on, {}};
  EXPECT_EQ(fails(strict, {.url = server.url()}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = server.url("/", "localhost")}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = server.url("/", "0x7f.1")}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = server.url("/", "2130706433")}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = "http://[::ffff:127.0.0.1]:" + std::to_string(server.port())}),
            failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = "http://169.254.169.254/latest/meta-data"}), failure::refused_address);
  EXPECT_EQ(server.connection_count(), 0);
  client told{on, {.allowed_ranges = {"127.0.0.1/32"}}};
  EXPECT_EQ(get(told, {.url = server.url()}).status, 200);
}

TEST_F(Client, FollowsNoRedirectUnlessAsked) {
  test_server server{[](auto const&, int) { return answer(302, "see there", "Location: /there\r\n"); }};
  client http{on, local()};
  auto const a = get(http, {.url = server.url()});
  EXPECT_EQ(a.status, 302);
  EXPECT_EQ(a.body, "see there");
}

TEST_F(Client, IsNotLedToPrivateAddresses) {
  test_server server{
      [&](auto const&, int n) { return n == 1 ? answer(302, "", "Location: /there\r\n") : answer(200, "inside"); }};
  client http{on, local()};
  EXPECT_EQ(fails(http, {.url = server.url(), .redirects = 3}), failure::refused_address);
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.connection_count(), 1);  // also not over the connection that is there
}

TEST_F(Client, FollowsAsManyRedirectsAsAsked) {
  test_server server{[](auto const& r, int n) {
    return r.starts_with("GET /next/end")
               ? answer(200, "end")
               : answer(307, "", "Location: " + std::string(n == 2 ? "end" : "/next/x") + "\r\n");
  }};
  auto s = local();
  s.redirect_to_private = true;
  client http{on, s};
  auto const a = get(http, {.url = server.url(), .redirects = 2});
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(a.url, server.url("/next/end"));
}

TEST_F(Client, FollowsOnlySoFar) {
  test_server server{[](auto const&, int) { return answer(302, "", "Location: /again\r\n"); }};
  auto s = local();
  s.redirect_to_private = true;
  client http{on, s};
  EXPECT_EQ(fails(http, {.url = server.url(), .redirects = 3}), failure::too_many_redirects);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(Client, KeepsCredentialsFromOtherOrigins) {
  test_server other{[](auto const&, int) { return answer(200); }};
  test_server server{[&](auto const& r, int) {
    if (r.find("/file ") != std::string::npos) return answer(302, "", "Location: file:///etc/passwd\r\n");
    return answer(
        303, "",
        "Location: " + (r.find("/same ") != std::string::npos ? std::string{"/file"} : other.url("/x")) + "\r\n");
  }};
  auto s = local();
  s.redirect_to_private = true;
  client http{on, s};
  std::vector<header> const secrets{
      {"Authorization", "Bearer abc"}, {"Cookie", "a=b"}, {"X-Other", "1"}, {"Content-Type", "text/plain"}};
  get(http, {.method = "POST", .url = server.url(), .headers = secrets, .body = "data", .redirects = 2});
  auto const led = other.requests().at(0);
  EXPECT_THAT(led, testing::StartsWith("GET /x "));  // 303 asks for that
  EXPECT_THAT(led, Not(HasSubstr("Bearer")));
  EXPECT_THAT(led, Not(HasSubstr("Cookie")));
  EXPECT_THAT(led, Not(HasSubstr("data")));
  EXPECT_THAT(led, Not(HasSubstr("text/plain")));
  EXPECT_THAT(led, HasSubstr("X-Other: 1"));
  EXPECT_EQ(fails(http, {.url = server.url("/same"), .headers = secrets, .redirects = 5}), failure::invalid);
  EXPECT_THAT(server.requests().back(), HasSubstr("Bearer abc"));
}

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

std::string nobody() {
  test_server gone{[](auto const&, int) { return answer(200); }};
  return gone.url();
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

TEST_F(Client, HandsABodyToASinkPieceByPiece) {
  std::string const big(300'000, 'b');
  test_server server{
      [&](auto const& r, int) { return r.starts_with("GET /error") ? answer(400, "why") : answer(200, big); }};
  client http{on, local()};
  std::string got;
  int pieces = 0;
  auto const take = [&](std::string_view piece) {
    got += piece;
    ++pieces;
    return true;
  };
  auto const a = get(http, {.url = server.url(), .sink = take});
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "");
  EXPECT_EQ(got, big);
  EXPECT_GT(pieces, 1);
  got.clear();
  EXPECT_EQ(get(http, {.url = server.url("/error"), .sink = take}).body, "why");
  EXPECT_EQ(got, "");
  EXPECT_EQ(fails(http, {.url = server.url(), .sink = [](std::string_view) { return false; }}),
            failure::stopped_by_sink);
  EXPECT_THROW(
      get(http, {.url = server.url(), .sink = [](std::string_view) -> bool { throw std::length_error{"disk full"}; }}),
      std::length_error);
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

TEST_F(Client, SurvivesBeingCancelledFromItsSink) {
  test_server server{[](auto const&, int) { return answer(200, std::string(300'000, 'b')); }};
  client http{on, local()};
  context operation;
  cancel_reason why{};
  std::binary_semaphore over{0};
  on[0].spawn(keep(reason_of(http,
                             {.url = server.url(),
                              .sink =
                                  [&](std::string_view) {
                                    operation.cancel(cancel_reason::shutdown);
                                    return true;
                                  }},
                             operation),
                   why, over));
  over.acquire();
  EXPECT_EQ(why, cancel_reason::shutdown);
  EXPECT_EQ(get(http, {.url = server.url()}).body.size(), 300'000u);
}

TEST_F(Client, RefusesMoreThanItCanHold) {
  Silent silent;
  client http{on, local({.in_flight = 1})};
  context operation;
  cancel_reason why{};
  std::binary_semaphore over{0};
  on[0].spawn(keep(reason_of(http, {.url = silent.server.url()}, operation), why, over));
  silent.asked.acquire();
  EXPECT_EQ(fails(http, {.url = silent.server.url()}), failure::overloaded);
  on[0].post([&] { operation.cancel(cancel_reason::client_gone); });
  over.acquire();
}

TEST_F(Client, SendsNothingThatIsNotARequest) {
  client http{on, local()};
  for (std::string const& url :
       {"", "nonsense", "ftp://x/", "file:///etc/passwd", "http://", "gopher://x", "http://user:secret@x/",
        "http://a b/", "http://x/\r\nX: y", "javascript:alert(1)", "//x/y"})
    EXPECT_EQ(fails(http, {.url = url}), failure::invalid) << url;
  EXPECT_EQ(fails(http, {.url = std::string{"http://x/\0y", 11}}), failure::invalid);
  std::string const url = "http://127.0.0.1:1/";
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"X", "a\r\nY: b"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"X: y", "a"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"", "a"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"Content-Length", "1"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"transfer-encoding", "chunked"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.method = "GET / HTTP/1.1\r\nX:", .url = url}), failure::invalid);
  EXPECT_EQ(fails(http, {.method = "CONNECT", .url = url}), failure::invalid);
}

TEST_F(Client, AsksNoProxyThatOnlyTheEnvironmentNames) {
  test_server server{[](auto const&, int) { return answer(200, "direct"); }};
  test_server proxy{[](auto const&, int) { return answer(200, "proxy"); }};
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  client http{on, local()};
  EXPECT_EQ(get(http, {.url = server.url()}).body, "direct");
  client willing{on, local({.proxy_from_environment = true})};
  EXPECT_EQ(get(willing, {.url = server.url()}).body, "proxy");
  ::unsetenv("http_proxy");
  client told{on, local({.proxy = proxy.url()})};
  EXPECT_EQ(get(told, {.url = server.url()}).body, "proxy");
}

struct collecting final : span_exporter {
  std::vector<finished_trace> all;
  void enqueue(finished_trace&& t) noexcept override { all.push_back(std::move(t)); }
  void flush(std::chrono::milliseconds) noexcept override {}
  exporter_counters counters() const noexcept override { return {}; }
};

TEST_F(Client, PassesTheTraceOn) {
  test_server server{[](auto const&, int n) { return n == 1 ? answer(503) : answer(200); }};
  client http{on, local()};
  collecting out;
  tracer traces{{.ratio = 1}, out};
  context operation;
  traces.begin(operation, span_kind::server, "GET /", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
               "rojo=1");
  on.run(within(http, {.url = server.url()}, operation));
  traces.end(operation);
  auto const& spans = out.all.at(0).spans;
  ASSERT_EQ(spans.size(), 3u);  // one for each attempt
  EXPECT_EQ(spans[1].kind, span_kind::client);
  EXPECT_EQ(spans[1].status, span_status::error);
  EXPECT_EQ(spans[2].status, span_status::unset);
  auto const sent = server.requests();
  EXPECT_THAT(sent.at(0),
              HasSubstr("traceparent: 00-0af7651916cd43dd8448eb211c80319c-" + spans[1].id.text() + "-01\r\n"));
  EXPECT_THAT(sent.at(1),
              HasSubstr("traceparent: 00-0af7651916cd43dd8448eb211c80319c-" + spans[2].id.text() + "-01\r\n"));
  EXPECT_THAT(sent.at(1), HasSubstr("tracestate: rojo=1\r\n"));
}

TEST_F(Client, CountsWhatItDoes) {
  metrics::registry all{on.size()};
  test_server server{[](auto const&, int) { return answer(200); }};
  client http{on, local(), &all};
  get(http, {.url = server.url()});
  get(http, {.url = server.url()});
  EXPECT_EQ(fails(http, {.url = nobody()}), failure::connect);
  auto const text = all.render();
  EXPECT_THAT(text, HasSubstr("http_client_requests_total{host=\"127.0.0.1\",outcome=\"2xx\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("http_client_requests_total{host=\"127.0.0.1\",outcome=\"connect\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("http_client_retries_total{host=\"127.0.0.1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("http_client_request_duration_seconds_count{host=\"127.0.0.1\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("http_client_in_flight 0\n"));
}

TEST(ClientSettings, AreRefusedWhenTheyCannotWork) {
  shards on{1};
  EXPECT_THROW((client{on, {.allowed_ranges = {"10.0.0.0/64"}}}), startup_error);
  EXPECT_THROW((client{on, {.ca_file = "/does/not/exist.pem"}}), startup_error);
}

}  // namespace
}  // namespace slipway::http_client
