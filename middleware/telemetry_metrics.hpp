// What the log and the traces tell about themselves: first of all what of them is lost.
#pragma once

#include <slipway/log/journal.hpp>
#include <slipway/metrics/registry.hpp>
#include <slipway/trace/tracer.hpp>

namespace app::middleware {

using namespace slipway;

// log_lines_written_total, log_lines_dropped_total (buffer full), log_lines_truncated_total and
// log_write_failures_total. The journal must outlive the subscription.
metrics::registry::subscription log_metrics(metrics::registry& all, log::journal const& of);

// traces_begun_total, traces_chosen_total, trace_spans_exported_total, trace_spans_dropped_total (queue full),
// trace_spans_failed_total (not taken by the collector) and trace_spans_left_out_total (no room in their trace). Both
// must outlive the subscription.
metrics::registry::subscription trace_metrics(metrics::registry& all, span_exporter const& to, tracer const& of);

}  // namespace app::middleware
