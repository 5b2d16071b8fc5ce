// What is asked and what is answered.
#include <slipway/metrics/registry.hpp>
#include <slipway/trace/tracer.hpp>

#include "client_fixture.hpp"

namespace slipway::http_client {
namespace {

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
