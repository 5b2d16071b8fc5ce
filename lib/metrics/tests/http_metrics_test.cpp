#include <slipway/metrics/http_metrics.hpp>
#include <slipway/runtime/shards.hpp>

#include <gmock/gmock.h>

namespace slipway::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HttpMetrics, CountByRouteMethodAndClass) {
  shards on{2};
  registry all{on.size()};
  http_metrics http{all, {"/v1/notes", "/v1/notes/{id}"}};
  int i = 0;
  on.on_each([&](shard&) {
    http.begin();
    http.end({.route = 1, .method = 2, .status = 201, .nanoseconds = 3'000'000, .bytes_in = 500, .bytes_out = 2'000});
    http.begin();
    http.end({.route = 99, .method = 7, .status = 404, .nanoseconds = 1});
    http.begin();
    http.end({.route = 0, .method = 0, .status = i++ == 0 ? 0 : 700});
    http.begin();
  });
  EXPECT_EQ(http.requests(), 6u);
  EXPECT_EQ(http.in_flight(), 2);
  auto const text = all.render();
  EXPECT_THAT(text, HasSubstr("http_requests_total{route=\"/v1/notes/{id}\",method=\"POST\",status=\"2xx\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("http_requests_total{route=\"unmatched\",method=\"other\",status=\"4xx\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("http_requests_total{route=\"/v1/notes\",method=\"GET\",status=\"other\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("http_request_duration_seconds_bucket{route=\"/v1/notes/{id}\",le=\"0.0025\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("http_request_duration_seconds_bucket{route=\"/v1/notes/{id}\",le=\"0.005\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("http_request_duration_seconds_sum{route=\"/v1/notes/{id}\"} 0.006\n"));
  EXPECT_THAT(text, HasSubstr("http_request_size_bytes_sum{route=\"/v1/notes/{id}\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("http_response_size_bytes_bucket{route=\"/v1/notes/{id}\",le=\"10000\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("http_requests_in_flight 2\n"));
}

TEST(HttpMetrics, RoutesOfOnePatternAreOneSeries) {
  shards on{1};
  registry all{on.size()};
  http_metrics http{all, {"/v1/notes", "/v1/notes"}};
  on.on_each([&](shard&) {
    http.begin();
    http.end({.route = 0, .method = 0, .statements = 3, .statement_ns = 500'000'000});
    http.begin();
    http.end({.route = 1, .method = 2, .statements = 1, .statement_ns = 1'000'000'000});
  });
  auto const text = all.render();
  std::string const line = "http_request_duration_seconds_count{route=\"/v1/notes\"} ";
  EXPECT_THAT(text, HasSubstr(line + "2\n"));
  EXPECT_EQ(text.find(line), text.rfind(line)) << "Prometheus refuses a text that says one series twice";
  EXPECT_THAT(text, HasSubstr("http_request_statements_total{route=\"/v1/notes\",method=\"GET\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("http_request_statements_total{route=\"/v1/notes\",method=\"POST\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("http_request_statement_seconds_total{route=\"/v1/notes\",method=\"GET\"} 0.5\n"));
}

TEST(HttpMetrics, ShowNothingOfARouteThatNobodyUsed) {
  registry all{1};
  http_metrics http{all, {"/quiet"}};
  EXPECT_THAT(all.render(), Not(HasSubstr("/quiet")));
}

}  // namespace
}  // namespace slipway::metrics
