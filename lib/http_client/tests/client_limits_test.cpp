// Time, room and connections: where a request ends before its answer.
#include "client_fixture.hpp"

#include <atomic>
#include <memory>
#include <semaphore>
#include <thread>

namespace slipway::http_client {
namespace {

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

TEST_F(Client, HoldsOnlyABodyAgainstItsLimit) {
  test_server server{[](auto const& r, int) {
    auto const large = std::string{"Content-Length: 5000000000\r\n\r\n"};
    return (r.starts_with("HEAD") ? "HTTP/1.1 200 x\r\n" : "HTTP/1.1 304 x\r\nETag: \"a\"\r\n") + large;
  }};
  client http{on, local({.max_body = 1'000})};
  auto const a = get(http, {.method = "HEAD", .url = server.url()});
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.header("content-length"), "5000000000");
  EXPECT_EQ(get(http, {.url = server.url(), .headers = {{"If-None-Match", "\"a\""}}}).status, 304);
}

TEST_F(Client, KeepsNothingOfABodyThatIsSaidToBeTooLarge) {
  test_server server{[](auto const&, int) {
    return "HTTP/1.1 200 x\r\nContent-Length: 1001\r\n\r\nfirst";  // the rest does not come
  }};
  client http{on, local({.max_body = 1'000})};
  bool called = false;
  EXPECT_EQ(fails(http, {.url = server.url(), .sink = [&](std::string_view) { return called = true; }}),
            failure::too_large);
  EXPECT_FALSE(called);
}

TEST_F(Client, SaysWhichLimitAnAnswerIsBeyond) {
  std::string reply;
  test_server server{[&](auto const&, int) { return reply; }};
  client http{on, local({.max_head = 2'000, .max_body = 1'000})};
  auto const text = [&](request r) -> std::string {
    try {
      get(http, std::move(r));
    } catch (request_error const& error) {
      EXPECT_EQ(error.why(), failure::too_large);
      return error.what();
    }
    return "an answer";
  };
  reply = answer(200, std::string(1'001, 'x'));
  EXPECT_EQ(text({.url = server.url()}), "the body of 127.0.0.1's answer is larger than allowed (1000 bytes)");
  EXPECT_EQ(text({.url = server.url(), .max_body = 17}),
            "the body of 127.0.0.1's answer is larger than allowed (17 bytes)");
  reply = answer(200, "", "X-Long: " + std::string(2'000, 'x') + "\r\n");
  EXPECT_EQ(text({.url = server.url(), .max_body = 17}),
            "the head of 127.0.0.1's answer is larger than allowed (2000 bytes)");
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

}  // namespace
}  // namespace slipway::http_client
