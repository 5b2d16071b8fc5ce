#include <slipway/metrics/process_metrics.hpp>
#include <slipway/metrics/registry.hpp>

#include <gmock/gmock.h>

#include <thread>

namespace slipway::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Counter, SumsWhatShardsAndOtherThreadsAdd) {
  shards on{3};
  registry all{on.size()};
  auto const hits = all.counter("hits_total", "Hits");
  on.on_each([&](shard& s) { hits.add(s.index() + 1); });
  std::vector<std::jthread> others;
  for (int t = 0; t < 4; ++t)
    others.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) hits.add();
    });
  others.clear();
  EXPECT_EQ(hits.value(), 1 + 2 + 3 + 4000u);
}

TEST(Counter, OfAShardBeyondTheRegistryIsNotLost) {
  shards on{2};
  registry all{1};
  auto const hits = all.counter("hits_total", "Hits");
  on.on_each([&](shard&) { hits.add(); });
  EXPECT_EQ(hits.value(), 2u);
}

TEST(Counter, ThatWasNeverRegisteredDoesNothing) {
  counter nothing;
  nothing.add();
  EXPECT_EQ(nothing.value(), 0u);
  histogram none;
  none.observe(5);
  EXPECT_EQ(none.count(), 0u);
  family_of<counter, 2> family;
  family.with("a", "b").add();
}

TEST(Gauge, MayRiseOnOneShardAndFallOnAnother) {
  shards on{2};
  registry all{on.size()};
  auto const open = all.gauge("open", "Open");
  on.on_each([&](shard& s) { s.index() == 0 ? open.add(5) : open.subtract(7); });
  EXPECT_EQ(open.value(), -2);
  EXPECT_THAT(all.render(), HasSubstr("open -2\n"));
}

TEST(Buckets, TakeAValueUpToAndWithTheBound) {
  auto const shape = buckets::durations();
  for (std::size_t i = 0; i < shape.count(); ++i) {
    EXPECT_EQ(shape.find(shape.bound(i)), i);
    EXPECT_EQ(shape.find(shape.bound(i) + 1), i + 1);
    EXPECT_EQ(shape.find_sparse(shape.bound(i)), i);
    EXPECT_EQ(shape.find_sparse(shape.bound(i) + 1), i + 1);
  }
  EXPECT_TRUE(shape.sparse());
  EXPECT_TRUE(buckets::sizes().sparse());
  EXPECT_EQ(shape.find(0), 0u);
  EXPECT_EQ(shape.find(UINT64_MAX), shape.count());
}

TEST(Buckets, FindTheSameAsALinearSearch) {
  std::array<std::uint64_t, 6> const bounds{1, 2, 3, 5, 6, 1'000'000};  // several within one power of two
  buckets const shape{bounds, 1};
  EXPECT_FALSE(shape.sparse());
  for (std::uint64_t raw = 0; raw < 5000; ++raw) {
    std::size_t i = 0;
    while (i < bounds.size() && raw > bounds[i]) ++i;
    ASSERT_EQ(shape.find(raw), i) << raw;
  }
}

TEST(Buckets, RefuseBoundsThatMakeNoSense) {
  std::array<std::uint64_t, 2> const twice{5, 5};
  EXPECT_THROW((buckets{twice, 1}), std::invalid_argument);
  EXPECT_THROW((buckets{{}, 1}), std::invalid_argument);
  std::vector<std::uint64_t> many(31);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = i;
  EXPECT_THROW((buckets{many, 1}), std::invalid_argument);
}

TEST(Registry, RefusesNamesThatPrometheusWouldRefuse) {
  registry all{1};
  EXPECT_THROW(all.counter("hits", "no suffix"), std::invalid_argument);
  EXPECT_THROW(all.counter("9_total", "digit"), std::invalid_argument);
  EXPECT_THROW(all.gauge("a-b", "dash"), std::invalid_argument);
  EXPECT_THROW(all.gauge("", "nothing"), std::invalid_argument);
  EXPECT_THROW(all.counters("a_total", "reserved", labels{"__name__"}), std::invalid_argument);
  EXPECT_THROW(all.histograms("b", "taken by buckets", labels{"le"}), std::invalid_argument);
  all.gauge("x", "first");
  EXPECT_THROW(all.gauge("x", "second"), std::invalid_argument);
}

TEST(Family, GivesTheSameSeriesForTheSameValues) {
  registry all{1};
  auto const runs = all.counters("runs_total", "Runs", labels{"engine", "outcome"});
  runs.with("sqlite", "ok").add(2);
  runs.with("sqlite", std::string{"ok"}).add(3);
  runs.with("sqlite", "failed").add();
  EXPECT_EQ(runs.with("sqlite", "ok").value(), 5u);
  EXPECT_THAT(all.render(), HasSubstr("runs_total{engine=\"sqlite\",outcome=\"ok\"} 5\n"));
}

TEST(Family, CountsWhatDoesNotFitAsOther) {
  registry all{1};
  auto const runs = all.counters("runs_total", "Runs", labels{"host"}, 3);
  for (int i = 0; i < 10; ++i) runs.with("h" + std::to_string(i)).add();
  EXPECT_EQ(runs.with("other").value(), 8u);
  runs.with("h1").add();  // the ones that were first keep their place
  auto const text = all.render();
  EXPECT_THAT(text, HasSubstr("runs_total{host=\"h1\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("h2")));
  EXPECT_THAT(text, HasSubstr("metrics_label_overflow_total{family=\"runs_total\"} 8\n"));
}

TEST(Registry, HoldsMoreSeriesThanOneChunk) {
  shards on{2};
  registry all{on.size()};
  auto const runs = all.histograms("took_seconds", "Took", labels{"n"}, buckets::durations(), 200);
  on.on_each([&](shard&) {
    for (int i = 0; i < 150; ++i) runs.with(std::to_string(i)).observe(static_cast<std::uint64_t>(i) * 1'000'000);
  });
  for (int i = 0; i < 150; ++i) {
    EXPECT_EQ(runs.with(std::to_string(i)).count(), 2u);
    EXPECT_DOUBLE_EQ(runs.with(std::to_string(i)).sum(), i * 0.002);
  }
}

TEST(Callback, IsReadWhenAskedAndGoneAfterwards) {
  registry all{1};
  double level = 1.5;
  {
    auto const a = all.callback(metric_kind::gauge, "level", "Level", {{"tank", "a"}}, [&] { return level; });
    auto const b = all.callback(metric_kind::gauge, "level", "Level", {{"tank", "b"}}, [&] { return level * 2; });
    level = 4;
    EXPECT_THAT(all.render(), HasSubstr("level{tank=\"a\"} 4\nlevel{tank=\"b\"} 8\n"));
    EXPECT_THROW((void)all.callback(metric_kind::gauge, "level", "Level", {{"other", "b"}}, [] { return 0.0; }),
                 std::invalid_argument);
    EXPECT_THROW((void)all.callback(metric_kind::gauge, "level", "Level", {{"tank", "b"}}, [] { return 0.0; }),
                 std::invalid_argument);
  }
  EXPECT_THAT(all.render(), Not(HasSubstr("level{")));
}

TEST(ProcessMetrics, TellPlausibleThings) {
  registry all{1};
  auto const process = process_metrics(all);
  auto const text = all.render();
  auto const value = [&](std::string const& name) {
    auto const at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1.0 : std::stod(text.substr(at + name.size() + 2));
  };
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GE(value("process_cpu_seconds_total"), 0);
  EXPECT_GE(value("process_open_fds"), 3);
  EXPECT_GE(value("process_max_fds"), value("process_open_fds"));
  EXPECT_GE(value("process_threads"), 1);
  auto const now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(value("process_start_time_seconds"), now, 600);
  EXPECT_GE(value("slipway_bugs_total"), 0);
}

TEST(RuntimeMetrics, ShowEveryShardAndPool) {
  shards on{2};
  registry all{on.size()};
  blocking_pool pool{"hashing", {.threads = 1, .queue = 1}};
  auto const runtime = runtime_metrics(all, on);
  auto const pools = pool_metrics(all, {&pool});
  on.run([](blocking_pool& p) -> task<> { co_await p.run([] {}); }(pool));
  auto const text = all.render();
  EXPECT_THAT(text, HasSubstr("runtime_loop_lag_seconds{shard=\"1\"}"));
  EXPECT_THAT(text, HasSubstr("pool_jobs_total{pool=\"hashing\"} 1\n"));
}

}  // namespace
}  // namespace slipway::metrics
