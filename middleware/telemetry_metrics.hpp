// What the server, the log and the traces tell about themselves: first of all what was turned away or is lost.
#pragma once

#include <slipway/http/server.hpp>
#include <slipway/log/journal.hpp>
#include <slipway/metrics/registry.hpp>
#include <slipway/trace/tracer.hpp>

namespace app::middleware {

using namespace slipway;

// http_connections_open and _idle, http_connections_accepted_total, http_refused_total (too many connections or requests
// in flight), http_timed_out_total (too slow with a head, a body or reading) and http_malformed_total. The server must
// outlive the subscription.
metrics::registry::subscription server_metrics(metrics::registry& all, http::server const& of);

// log_lines_written_total, log_lines_dropped_total (buffer full), log_lines_truncated_total and
// log_write_failures_total. The journal must outlive the subscription.
metrics::registry::subscription log_metrics(metrics::registry& all, log::journal const& of);

// traces_begun_total, traces_chosen_total, trace_spans_exported_total, trace_spans_dropped_total (queue full),
// trace_spans_failed_total (not taken by the collector) and trace_spans_left_out_total (no room in their trace). Both
// must outlive the subscription.
metrics::registry::subscription trace_metrics(metrics::registry& all, span_exporter const& to, tracer const& of);

}  // namespace app::middleware
