// Begins and ends traces, decides which are kept, and hands those to an exporter.
// The decision is made at the head (by the caller's traceparent where callers are followed, else by ratio); a trace that was not chosen is still
// recorded within its bounds, so that one with an error can be exported after all.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>
#include <slipway/trace/span.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slipway {

// A trace's part of this process, ready for export. It owns everything.
struct finished_span {
  span_id id, parent;
  span_kind kind{};
  span_status status{};
  std::string name, status_text;
  time_point start;
  std::chrono::nanoseconds duration{};
  std::vector<std::pair<std::string, std::variant<bool, std::int64_t, double, std::string>>> attributes;
  std::vector<std::pair<std::string, time_point>> events;
  std::uint32_t dropped = 0;
};
struct finished_trace {
  trace_id trace;
  std::uint8_t flags = 0;
  std::string tracestate;
  std::vector<finished_span> spans;  // the first is the one that the process began with
};

struct exporter_counters {
  std::uint64_t exported = 0;  // spans that the collector took
  std::uint64_t dropped = 0;   // spans that found the queue full
  std::uint64_t failed = 0;    // spans that the collector did not take
};

class span_exporter {
 public:
  virtual ~span_exporter() = default;
  // From any shard; never waits. What finds the queue full is counted and dropped.
  virtual void enqueue(finished_trace&& trace) noexcept = 0;
  // Sends what is queued, at most this long. Not from a shard.
  virtual void flush(std::chrono::milliseconds limit) noexcept = 0;
  virtual exporter_counters counters() const noexcept = 0;
};

struct otlp_settings {
  std::string endpoint = "http://127.0.0.1:4318/v1/traces";
  bool json = false;                                         // else protobuf
  std::vector<std::pair<std::string, std::string>> headers;  // of the collector's own authentication
  std::string ca_file;                                       // PEM; empty: the system's
  std::string service_name = "slipway", service_version, environment;
  std::size_t queue = 2'048;  // spans that may wait
  std::size_t batch = 512;    // spans in one call
  std::chrono::milliseconds interval{5'000}, timeout{10'000};
  // Told once when the collector stops taking spans (with the reason) and once when it takes them again (empty).
  // On the exporter's thread.
  std::function<void(std::string_view)> on_failure;
};
// Throws startup_error(exit_code::config) that says what is missing when the module that exports is not there.
void need_otlp();
// Throws as need_otlp does.
std::unique_ptr<span_exporter> make_otlp_exporter(otlp_settings settings);

struct trace_settings {
  double ratio = 0.05;  // of the traces that begin here; 0 to 1
  bool always_on_error = true;
  // A valid traceparent is continued in any case. On: its decision is kept, and its tracestate with it. Off, for public
  // edges: `ratio` decides, by a number of our own, because strangers choose their trace ids as well.
  bool follow_caller = true;
  std::size_t max_spans = 64;      // of one trace in this process
  std::size_t max_bytes = 32'768;  // of one trace's names and attributes
};

struct trace_counters {
  std::uint64_t begun = 0, exported = 0, dropped_spans = 0;
};

class tracer {
 public:
  // `to` must outlive this.
  tracer(trace_settings settings, span_exporter& to, clock_source const& clock = system_clock(),
         random_source& random = system_random());
  tracer(tracer const&) = delete;
  tracer& operator=(tracer const&) = delete;
  ~tracer();

  // Begins the process's part of a trace and makes its span current. For servers: the two headers as they came, or
  // empty. On the context's shard; one `end` for each.
  trace_span& begin(context& operation, span_kind kind, std::string_view name, std::string_view traceparent = {},
                    std::string_view tracestate = {});
  // Ends it with every span in it that is still open, and exports or forgets it. No-op without a trace.
  void end(context& operation) noexcept;

  trace_counters counters() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace slipway
