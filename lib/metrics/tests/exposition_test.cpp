#include <slipway/metrics/http_metrics.hpp>
#include <slipway/metrics/process_metrics.hpp>

#include <gmock/gmock.h>

#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>

namespace slipway::metrics {
namespace {

using testing::HasSubstr;

TEST(Negotiation, FollowsTheScrapersWish) {
  EXPECT_EQ(negotiate(""), text_format::prometheus);
  EXPECT_EQ(negotiate("*/*"), text_format::prometheus);
  EXPECT_EQ(negotiate("text/html,application/xhtml+xml"), text_format::prometheus);
  EXPECT_EQ(negotiate("application/openmetrics-text; version=1.0.0"), text_format::open_metrics);
  EXPECT_EQ(
      negotiate("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
      text_format::open_metrics);
  EXPECT_EQ(negotiate("application/openmetrics-text;q=0.1, text/plain;q=0.9"), text_format::prometheus);
  EXPECT_EQ(negotiate("application/openmetrics-text;q=0"), text_format::prometheus);
  EXPECT_EQ(negotiate(",,;q=,"), text_format::prometheus);
  EXPECT_EQ(content_type(text_format::prometheus), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(content_type(text_format::open_metrics), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(Exposition, IsExactlyThis) {
  registry all{1};
  auto const bytes = all.counters("bytes_total", "Bytes by \\ and\nline", labels{"path"});
  bytes.with("a\"b\\c\nd").add(7);
  std::array<std::uint64_t, 2> const bounds{1'000'000'000, 2'500'000'000};
  all.histogram("took_seconds", "Took", buckets{bounds, 1e9}).observe(2'000'000'000);
  auto const odd =
      all.callback(metric_kind::gauge, "odd", "Odd", {}, [] { return std::numeric_limits<double>::infinity(); });
  EXPECT_EQ(all.render(),
            "# HELP bytes_total Bytes by \\\\ and\\nline\n"
            "# TYPE bytes_total counter\n"
            "bytes_total{path=\"a\\\"b\\\\c\\nd\"} 7\n"
            "# HELP took_seconds Took\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_bucket{le=\"1\"} 0\n"
            "took_seconds_bucket{le=\"2.5\"} 1\n"
            "took_seconds_bucket{le=\"+Inf\"} 1\n"
            "took_seconds_sum 2\n"
            "took_seconds_count 1\n"
            "# HELP odd Odd\n"
            "# TYPE odd gauge\n"
            "odd +Inf\n");
  EXPECT_EQ(all.render(text_format::open_metrics),
            "# HELP bytes Bytes by \\\\ and\\nline\n"
            "# TYPE bytes counter\n"
            "bytes_total{path=\"a\\\"b\\\\c\\nd\"} 7\n"
            "# HELP took_seconds Took\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_bucket{le=\"1.0\"} 0\n"
            "took_seconds_bucket{le=\"2.5\"} 1\n"
            "took_seconds_bucket{le=\"+Inf\"} 1\n"
            "took_seconds_sum 2\n"
            "took_seconds_count 1\n"
            "# HELP odd Odd\n"
            "# TYPE odd gauge\n"
            "odd +Inf\n"
            "# EOF\n");
}

// Prometheus's own linter reads what we write. PROMTOOL names the program when it is not on the path; ./dev test
// fetches it.
TEST(Exposition, IsAcceptedByPromtool) {
  auto const* const named = std::getenv("PROMTOOL");
  auto const promtool = "'" + std::string{named != nullptr ? named : "promtool"} + "'";
  if (std::system((promtool + " --version >/dev/null 2>&1").c_str()) != 0)
    GTEST_SKIP()
        << "promtool is not installed (package prometheus): the text format was not checked by Prometheus itself";
  shards on{2};
  registry all{on.size()};
  http_metrics http{all, {"/v1/notes/{id}"}};
  blocking_pool pool{"hashing", {.threads = 1, .queue = 1}};
  auto const process = process_metrics(all);
  auto const runtime = runtime_metrics(all, on);
  auto const pools = pool_metrics(all, {&pool});
  on.on_each([&](shard&) {
    http.begin();
    http.end({.route = 0, .method = 0, .status = 200, .nanoseconds = 700'000, .bytes_in = 90, .bytes_out = 300});
  });
  std::string const file = testing::TempDir() + "slipway_exposition_" + std::to_string(::getpid()) + ".txt";
  std::ofstream{file} << all.render();
  EXPECT_EQ(std::system((promtool + " check metrics < " + file).c_str()), 0) << all.render();
  std::remove(file.c_str());
}

}  // namespace
}  // namespace slipway::metrics
