#include <slipway/core/task.hpp>
#include <slipway/runtime/shards.hpp>
#include <slipway/trace/tracer.hpp>

#include <gmock/gmock.h>

#include <stdexcept>

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct collecting final : span_exporter {
  std::vector<finished_trace> all;
  void enqueue(finished_trace&& t) noexcept override { all.push_back(std::move(t)); }
  void flush(std::chrono::milliseconds) noexcept override {}
  exporter_counters counters() const noexcept override { return {}; }
};

struct Tracer : testing::Test {
  collecting out;
  manual_clock clock{time_point{std::chrono::seconds{1'000}}};
  seeded_random random{1};
  context operation;
  tracer make(trace_settings s) { return tracer{s, out, clock, random}; }
};

TEST_F(Tracer, RecordsATreeWithTimes) {
  auto t = make({.ratio = 1});
  t.begin(operation, span_kind::server, "GET /v1/notes");
  clock.advance(std::chrono::milliseconds{2});
  {
    scoped_span const outer{&operation, span_kind::internal, "handler"};
    scoped_span const inner{&operation, span_kind::client, "SELECT notes"};
    inner.set("db.system", "sqlite");
    inner.set("db.rows", 3);
    inner.set("cached", true);
    inner.set("share", 0.5);
    inner.set("db.rows", 4);
    inner.event("retry");
    clock.advance(std::chrono::milliseconds{5});
  }
  operation.span->rename("GET /v1/notes/{id}");
  clock.advance(std::chrono::milliseconds{1});
  t.end(operation);
  EXPECT_EQ(operation.span, nullptr);

  ASSERT_EQ(out.all.size(), 1u);
  auto const& spans = out.all[0].spans;
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[0].name, "GET /v1/notes/{id}");
  EXPECT_FALSE(spans[0].parent.valid());
  EXPECT_EQ(spans[0].kind, span_kind::server);
  EXPECT_EQ(spans[0].duration, std::chrono::milliseconds{8});
  EXPECT_EQ(spans[1].parent, spans[0].id);
  EXPECT_EQ(spans[2].parent, spans[1].id);
  EXPECT_EQ(spans[2].start, time_point{std::chrono::milliseconds{1'000'002}});
  EXPECT_EQ(spans[2].duration, std::chrono::milliseconds{5});
  using value = std::variant<bool, std::int64_t, double, std::string>;
  EXPECT_THAT(spans[2].attributes,
              ElementsAre(Pair("db.system", value{"sqlite"}), Pair("db.rows", value{std::int64_t{4}}),
                          Pair("cached", value{true}), Pair("share", value{0.5})));
  ASSERT_EQ(spans[2].events.size(), 1u);
  EXPECT_EQ(spans[2].events[0].first, "retry");
  EXPECT_EQ(t.counters().begun, 1u);
  EXPECT_EQ(t.counters().exported, 1u);
}

TEST_F(Tracer, ContinuesTheCallersTrace) {
  auto t = make({.ratio = 0});
  auto& root = t.begin(operation, span_kind::server, "GET /", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                       "rojo=1");
  EXPECT_EQ(root.trace().text(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(root.parent.text(), "b7ad6b7169203331");
  EXPECT_EQ(root.tracestate(), "rojo=1");
  auto const onward = operation.span->parent_for_others();
  EXPECT_TRUE(onward.sampled());
  EXPECT_EQ(onward.span, root.id);
  t.end(operation);
  ASSERT_EQ(out.all.size(), 1u);
  EXPECT_EQ(out.all[0].tracestate, "rojo=1");
}

TEST_F(Tracer, BeginsAnewWhenTheHeaderIsBad) {
  auto t = make({.ratio = 0});
  EXPECT_FALSE(t.begin(operation, span_kind::server, "x", "00-nonsense", "rojo=1").parent.valid());
  EXPECT_EQ(operation.span->tracestate(), "");
  t.end(operation);
  EXPECT_TRUE(out.all.empty());
}

TEST_F(Tracer, ContinuesAStrangersTraceButDecidesItself) {
  constexpr std::string_view chosen = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
                             not_chosen = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  auto never = make({.ratio = 0, .follow_caller = false});
  auto& root = never.begin(operation, span_kind::server, "x", chosen, "ot=th:0");
  EXPECT_EQ(root.trace().text(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(root.parent.text(), "b7ad6b7169203331");
  EXPECT_EQ(root.tracestate(), "") << "it may tell a decision, too";
  EXPECT_EQ(root.parent_for_others().flags, trace_parent::random_flag);
  never.end(operation);
  EXPECT_TRUE(out.all.empty());

  auto always = make({.ratio = 1, .follow_caller = false});
  always.begin(operation, span_kind::server, "x", not_chosen);
  EXPECT_EQ(operation.span->parent_for_others().flags, trace_parent::sampled_flag);
  always.end(operation);
  EXPECT_EQ(out.all.size(), 1u);

  out.all.clear();
  auto half = make({.ratio = 0.5, .follow_caller = false});
  for (int i = 0; i < 200; ++i) {
    half.begin(operation, span_kind::server, "x", chosen);
    half.end(operation);
  }
  EXPECT_GT(out.all.size(), 50u) << "the same id is not always the same decision: strangers choose it";
  EXPECT_LT(out.all.size(), 150u);
}

TEST_F(Tracer, DropsABadTracestateAlone) {
  auto t = make({.ratio = 0});
  auto& root =
      t.begin(operation, span_kind::server, "x", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "BAD");
  EXPECT_TRUE(root.parent.valid());
  EXPECT_EQ(root.tracestate(), "");
  t.end(operation);
}

TEST_F(Tracer, ExportsAnErrorThatWasNotSampled) {
  auto t = make({.ratio = 0});
  t.begin(operation, span_kind::server, "GET /");
  t.end(operation);
  EXPECT_TRUE(out.all.empty());
  t.begin(operation, span_kind::server, "GET /");
  {
    scoped_span const sql{&operation, span_kind::client, "INSERT"};
    sql.fail("disk full");
  }
  t.end(operation);
  ASSERT_EQ(out.all.size(), 1u);
  EXPECT_EQ(out.all[0].spans[1].status, span_status::error);
  EXPECT_EQ(out.all[0].spans[1].status_text, "disk full");

  auto never = make({.ratio = 0, .always_on_error = false});
  never.begin(operation, span_kind::server, "GET /").fail("x");
  never.end(operation);
  EXPECT_EQ(out.all.size(), 1u);
}

TEST_F(Tracer, MarksTheSpanThatAnExceptionLeaves) {
  auto t = make({.ratio = 0});
  t.begin(operation, span_kind::server, "GET /");
  try {
    scoped_span const sql{&operation, span_kind::client, "INSERT"};
    throw std::runtime_error{"secret text that must not be exported"};
  } catch (std::runtime_error const&) {
    scoped_span const after{&operation, span_kind::internal, "clean up"};
  }
  t.end(operation);
  ASSERT_EQ(out.all.size(), 1u);
  EXPECT_EQ(out.all[0].spans[1].status, span_status::error);
  EXPECT_EQ(out.all[0].spans[1].status_text, "an exception passed");
  EXPECT_EQ(out.all[0].spans[2].status, span_status::unset);
}

TEST_F(Tracer, IsBounded) {
  auto t = make({.ratio = 1, .max_spans = 4});
  auto& root = t.begin(operation, span_kind::server, "x");
  for (int i = 0; i < 10; ++i) scoped_span const s{&operation, span_kind::internal, "child"};
  static constexpr std::array<std::string_view, 20> keys{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                                                         "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
  for (auto const key : keys) root.set(key, std::string_view{"v"});
  root.set("a", std::string_view{std::string(1'000, 'x')});
  for (int i = 0; i < 12; ++i) root.event("e");
  t.end(operation);
  auto const& spans = out.all[0].spans;
  EXPECT_EQ(spans.size(), 4u);
  EXPECT_EQ(spans[0].attributes.size(), trace_span::most_attributes + 1);  // and the count of lost spans
  EXPECT_EQ(std::get<std::string>(spans[0].attributes[0].second).size(), trace_span::most_text);
  EXPECT_EQ(std::get<std::int64_t>(spans[0].attributes.back().second), 7);
  EXPECT_EQ(spans[0].events.size(), trace_span::most_events);
  EXPECT_EQ(spans[0].dropped, 4u + 4u);
  EXPECT_EQ(t.counters().dropped_spans, 7u);

  auto small = make({.ratio = 1, .max_bytes = 2'000});
  small.begin(operation, span_kind::server, "x");
  for (int i = 0; i < 100; ++i) {
    scoped_span const s{&operation, span_kind::internal, std::string(200, 'n')};
    s.set("k", std::string(200, 'v'));
  }
  small.end(operation);
  EXPECT_LT(out.all[1].spans.size(), 10u);
}

TEST_F(Tracer, CostsNothingWithoutATrace) {
  scoped_span const none{&operation, span_kind::internal, "x"};
  EXPECT_FALSE(none);
  none.set("k", 1);
  none.fail("x");
  scoped_span const nowhere{nullptr, span_kind::internal, "x"};
  EXPECT_FALSE(nowhere);
  auto t = make({});
  t.end(operation);
}

TEST_F(Tracer, FindsBackWhenSpansEndOutOfOrder) {
  auto t = make({.ratio = 1});
  t.begin(operation, span_kind::server, "root");
  auto* const root = operation.span;
  auto first = std::make_unique<scoped_span>(&operation, span_kind::internal, "first");
  auto second = std::make_unique<scoped_span>(&operation, span_kind::internal, "second");
  first.reset();
  EXPECT_EQ(operation.span, second->get());
  second.reset();
  EXPECT_EQ(operation.span, root);
  t.end(operation);
}

task<> leaf() {
  scoped_span const span{co_await this_context(), span_kind::client, "leaf"};
  co_await sleep_for(std::chrono::milliseconds{1});
}
task<> branch() {
  scoped_span const span{co_await this_context(), span_kind::internal, "branch"};
  co_await leaf();
  co_await leaf();
}
task<> request(tracer& t, context& operation) {
  co_await detail::with_context{&operation};
  t.begin(operation, span_kind::server, "request");
  co_await branch();
  t.end(operation);
}

TEST_F(Tracer, FollowsTasksByTheirContext) {
  shards on{1};
  tracer t{{.ratio = 1}, out};
  on.run(request(t, operation));
  ASSERT_EQ(out.all.size(), 1u);
  auto const& s = out.all[0].spans;
  ASSERT_EQ(s.size(), 4u);
  EXPECT_EQ(s[1].parent, s[0].id);
  EXPECT_EQ(s[2].parent, s[1].id);
  EXPECT_EQ(s[3].parent, s[1].id);
  EXPECT_GE(s[2].duration, std::chrono::milliseconds{1});
}

}  // namespace
}  // namespace slipway
