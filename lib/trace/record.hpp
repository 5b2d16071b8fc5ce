// Everything that is known of one trace in this process until it ends. Private to the library.
#pragma once

#include <slipway/core/arena.hpp>
#include <slipway/trace/tracer.hpp>

namespace slipway {

class trace_record {
 public:
  trace_record(trace_settings const& settings, clock_source const& clock, random_source& random) noexcept
      : settings{settings}, clock{clock}, random{random}, wall_start{clock.now()}, steady_start{clock.steady()} {}

  // Null when the trace is full.
  trace_span* add(span_kind kind, std::string_view name, trace_span* outer, span_id parent);
  // A copy that lives as long as the record, cut at trace_span::most_text; null when the trace is full.
  std::string_view copy(std::string_view text);
  // Null when the trace is full.
  void* allocate(std::size_t bytes);
  finished_trace finish() const;

  trace_settings const& settings;
  clock_source const& clock;
  random_source& random;
  trace_id trace;
  std::uint8_t flags = 0;
  bool failed = false;
  std::string tracestate;
  time_point wall_start;
  std::chrono::steady_clock::time_point steady_start;
  std::vector<trace_span*> spans;
  std::uint64_t dropped_spans = 0;

 private:
  arena memory_;
  std::size_t used_ = 0;
};

}  // namespace slipway
