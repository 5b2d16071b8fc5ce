// What a client leaves behind in metrics and traces.
#include "server.hpp"

#include <slipway/core/one_shot.hpp>
#include <slipway/redis/telemetry.hpp>
#include <slipway/trace/tracer.hpp>

#include <gmock/gmock.h>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using testing::HasSubstr;
using testing::Not;

namespace {

struct kept_spans : span_exporter {
  void enqueue(finished_trace&& trace) noexcept override { traces.push_back(std::move(trace)); }
  void flush(std::chrono::milliseconds) noexcept override {}
  exporter_counters counters() const noexcept override { return {}; }
  std::vector<finished_trace> traces;
};

std::string attribute(finished_span const& s, std::string_view key) {
  for (auto const& [name, value] : s.attributes)
    if (name == key) return std::get<std::string>(value);
  return "none";
}

struct redis_telemetry : fixture {};

TEST_F(redis_telemetry, commands_are_counted_and_traced_without_keys_and_values) {
  server one;
  metrics::registry all{on.size()};
  telemetry watch{all};
  auto s = with(one.url());
  s.watch = &watch;
  auto cache = connect(s, on);
  auto const registered = client_metrics(all, cache);
  kept_spans exporter;
  tracer traces{{.ratio = 1.0}, exporter};
  on.run([](client& c, tracer& t) -> task<> {
    context operation;
    t.begin(operation, span_kind::server, "GET /");
    one_shot over;
    start_detached(
        [](client& in, one_shot& done) -> task<> {
          co_await in.set("a-key", "a-value");
          EXPECT_EQ(co_await outcome_of(in.incr("a-key")), "error ERR");
          std::vector<command> both;
          both.push_back(in.make("GET").key("a-key"));
          (void)co_await in.transaction(std::move(both));
          done.fire();
        }(c, over),
        &operation);
    co_await over;
    t.end(operation);
  }(cache, traces));
  ASSERT_EQ(exporter.traces.size(), 1u);
  auto const& spans = exporter.traces[0].spans;
  ASSERT_EQ(spans.size(), 4u);
  EXPECT_EQ(spans[1].name, "SET");
  EXPECT_EQ(spans[1].kind, span_kind::client);
  EXPECT_EQ(spans[1].parent, spans[0].id);
  EXPECT_EQ(attribute(spans[1], "db.system.name"), "redis");
  EXPECT_EQ(attribute(spans[1], "server.address"), "127.0.0.1:" + std::to_string(one.port()));
  EXPECT_EQ(spans[2].name, "INCRBY");
  EXPECT_EQ(spans[2].status, span_status::error);
  EXPECT_EQ(attribute(spans[2], "db.response.status_code"), "ERR");
  EXPECT_EQ(spans[3].name, "EXEC");
  for (auto const& each : spans)
    for (auto const& [name, value] : each.attributes)
      if (auto const* text = std::get_if<std::string>(&value)) {
        EXPECT_THAT(*text, Not(HasSubstr("a-key")));
        EXPECT_THAT(*text, Not(HasSubstr("a-value")));
      }
  auto const text = all.render();
  EXPECT_THAT(text, HasSubstr("redis_command_duration_seconds_count 3"));
  EXPECT_THAT(text, HasSubstr("redis_command_errors_total{kind=\"error\"} 1"));
  EXPECT_THAT(text, HasSubstr("redis_commands_total 3"));
  EXPECT_THAT(text, HasSubstr("redis_errors_total 1"));
  EXPECT_THAT(text, HasSubstr("redis_connections 2"));
}

}  // namespace
