#include "middleware/telemetry_metrics.hpp"

namespace app::middleware {
namespace {

void counter(metrics::writer& out, std::string_view name, std::string_view help, std::uint64_t number) {
  out.family(name, help, metrics::metric_kind::counter);
  out.value({}, number);
}

void gauge(metrics::writer& out, std::string_view name, std::string_view help, std::uint64_t number) {
  out.family(name, help, metrics::metric_kind::gauge);
  out.value({}, number);
}

}  // namespace

metrics::registry::subscription server_metrics(metrics::registry& all, http::server const& of) {
  return all.collector([&of](metrics::writer& out) {
    auto const now = of.counters();
    gauge(out, "http_connections_open", "Connections of clients", now.open);
    gauge(out, "http_connections_idle", "Connections that wait for their next request", now.idle);
    counter(out, "http_connections_accepted_total", "Connections that clients made", now.accepted);
    counter(out, "http_refused_total", "Connections and requests beyond http.max_connections and http.max_in_flight",
            now.refused);
    counter(out, "http_timed_out_total", "Clients that were too slow with a head, a body or reading", now.timed_out);
    counter(out, "http_malformed_total", "Requests whose head could not be read", now.malformed);
  });
}

metrics::registry::subscription log_metrics(metrics::registry& all, log::journal const& of) {
  return all.collector([&of](metrics::writer& out) {
    auto const now = of.counters();
    counter(out, "log_lines_written_total", "Lines of the log that were written", now.written);
    counter(out, "log_lines_dropped_total", "Lines of the log that found its buffer full and are lost", now.dropped);
    counter(out, "log_lines_truncated_total", "Lines of the log that were too long and were cut", now.truncated);
    counter(out, "log_write_failures_total", "Writes that the log's file or reader refused", now.failed);
  });
}

metrics::registry::subscription trace_metrics(metrics::registry& all, span_exporter const& to, tracer const& of) {
  return all.collector([&to, &of](metrics::writer& out) {
    auto const traces = of.counters();
    auto const spans = to.counters();
    counter(out, "traces_begun_total", "Traces, one for each request", traces.begun);
    counter(out, "traces_chosen_total", "Traces that are for the collector", traces.exported);
    counter(out, "trace_spans_exported_total", "Spans that the collector took", spans.exported);
    counter(out, "trace_spans_dropped_total", "Spans that found the queue to the collector full and are lost",
            spans.dropped);
    counter(out, "trace_spans_failed_total", "Spans that the collector did not take and that are lost", spans.failed);
    counter(out, "trace_spans_left_out_total", "Spans that found no room in their trace", traces.dropped_spans);
  });
}

}  // namespace app::middleware
