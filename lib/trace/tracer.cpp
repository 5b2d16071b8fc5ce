#include <slipway/trace/tracer.hpp>

#include <slipway/core/assert.hpp>
#include <slipway/runtime/shard.hpp>
#include <slipway/trace/record.hpp>

#include <array>
#include <atomic>

namespace slipway {

struct tracer::impl {
  // Shards count apart from each other; other threads share the last line.
  struct alignas(64) tally {
    std::atomic<std::uint64_t> begun{0}, exported{0}, dropped_spans{0};
  };
  static constexpr std::size_t lines = 65;

  trace_settings settings;
  span_exporter& to;
  clock_source const& clock;
  random_source& random;
  std::array<tally, lines> tallies{};

  tally& mine() noexcept { return tallies[shard::on_a_shard() ? shard::current().index() % (lines - 1) : lines - 1]; }
};

tracer::tracer(trace_settings settings, span_exporter& to, clock_source const& clock, random_source& random)
    : impl_{std::make_unique<impl>(settings, to, clock, random)} {}
tracer::~tracer() = default;

trace_span& tracer::begin(context& operation, span_kind kind, std::string_view name, std::string_view traceparent,
                          std::string_view tracestate) {
  if (!bug(operation.span == nullptr, "a trace begins in a context that has one")) end(operation);
  auto& me = *impl_;
  auto record = std::make_unique<trace_record>(me.settings, me.clock, me.random);
  auto const caller = trace_parent::parse(traceparent);
  if (caller && me.settings.follow_caller) {
    record->trace = caller->trace;
    record->flags = caller->flags;
    if (valid_tracestate(tracestate)) record->tracestate = tracestate;
  } else {
    auto const ours = make_trace_id(me.random);
    record->trace = caller ? caller->trace : ours;
    record->flags = (caller ? caller->flags & trace_parent::random_flag : trace_parent::random_flag) |
                    (in_sample(ours, me.settings.ratio) ? trace_parent::sampled_flag : 0);
  }
  auto* const root = record->add(kind, name, nullptr, caller ? caller->span : span_id{});
  must(root != nullptr, "a trace has room for its first span");
  me.mine().begun.fetch_add(1, std::memory_order_relaxed);
  operation.span = root;
  (void)record.release();  // `end` finds it through the span
  return *root;
}

void tracer::end(context& operation) noexcept {
  if (operation.span == nullptr) return;
  std::unique_ptr<trace_record> const record{std::exchange(operation.span, nullptr)->record};
  auto& me = *impl_;
  auto const now = me.clock.steady();
  for (auto* s : record->spans)
    if (!s->ended) {
      s->end = now;
      s->ended = true;
    }
  if (record->dropped_spans != 0) me.mine().dropped_spans.fetch_add(record->dropped_spans, std::memory_order_relaxed);
  bool const chosen =
      (record->flags & trace_parent::sampled_flag) != 0 || (record->failed && me.settings.always_on_error);
  if (!chosen) return;
  me.mine().exported.fetch_add(1, std::memory_order_relaxed);
  me.to.enqueue(record->finish());
}

trace_counters tracer::counters() const noexcept {
  trace_counters out;
  for (auto const& t : impl_->tallies) {
    out.begun += t.begun.load(std::memory_order_relaxed);
    out.exported += t.exported.load(std::memory_order_relaxed);
    out.dropped_spans += t.dropped_spans.load(std::memory_order_relaxed);
  }
  return out;
}

}  // namespace slipway
