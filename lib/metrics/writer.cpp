#include <slipway/metrics/registry.hpp>

#include <fmt/format.h>

#include <cmath>

namespace slipway::metrics {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (char const c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
}

void append_number(std::string& out, double v) {
  if (std::isnan(v))
    out += "NaN";
  else if (std::isinf(v))
    out += v > 0 ? "+Inf" : "-Inf";
  else
    fmt::format_to(std::back_inserter(out), "{}", v);
}

// OpenMetrics asks that bounds look like floating-point numbers, so that "1" and "1.0" are not two series.
std::string bound_text(double v, text_format format) {
  std::string text;
  append_number(text, v);
  if (format == text_format::open_metrics && text.find_first_of(".eIN") == std::string::npos) text += ".0";
  return text;
}

// The weight of one media type in an Accept header: 0 when it is not accepted.
double quality(std::string_view entry) noexcept {
  auto const at = entry.find("q=");
  if (at == std::string_view::npos) return 1;
  double whole = 0, scale = 1;
  bool fraction = false;
  for (char const c : entry.substr(at + 2)) {
    if (c == '.' && !fraction)
      fraction = true;
    else if (c >= '0' && c <= '9')
      whole += (c - '0') * (fraction ? scale /= 10 : 1);
    else
      break;
  }
  return whole;
}

}  // namespace

text_format negotiate(std::string_view accept) noexcept {
  double open = 0, plain = 0;
  while (!accept.empty()) {
    auto const comma = accept.find(',');
    auto entry = accept.substr(0, comma);
    accept = comma == std::string_view::npos ? std::string_view{} : accept.substr(comma + 1);
    while (!entry.empty() && (entry.front() == ' ' || entry.front() == '\t')) entry.remove_prefix(1);
    auto const type = entry.substr(0, entry.find_first_of("; \t"));
    if (type == "application/openmetrics-text")
      open = std::max(open, quality(entry));
    else if (type == "text/plain" || type == "text/*" || type == "*/*")
      plain = std::max(plain, quality(entry));
  }
  return open > 0 && open >= plain ? text_format::open_metrics : text_format::prometheus;
}

std::string_view content_type(text_format format) noexcept {
  return format == text_format::open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                             : "text/plain; version=0.0.4; charset=utf-8";
}

void writer::family(std::string_view name, std::string_view help, metric_kind kind) {
  name_ = name;
  kind_ = kind;
  // OpenMetrics names the family of a counter without the suffix that its series carry.
  auto shown = name;
  if (format_ == text_format::open_metrics && kind == metric_kind::counter && shown.ends_with("_total"))
    shown.remove_suffix(6);
  fmt::format_to(std::back_inserter(out_), "# HELP {} ", shown);
  append_escaped(out_, help, format_ == text_format::open_metrics);
  fmt::format_to(std::back_inserter(out_), "\n# TYPE {} {}\n", shown,
                 kind == metric_kind::counter ? "counter"
                 : kind == metric_kind::gauge ? "gauge"
                                              : "histogram");
}

void writer::series(std::string_view suffix, std::span<label const> labels, std::string_view le) {
  out_ += name_;
  out_ += suffix;
  char before = '{';
  auto const one = [&](std::string_view name, std::string_view v) {
    out_ += before;
    before = ',';
    out_ += name;
    out_ += "=\"";
    append_escaped(out_, v, true);
    out_ += '"';
  };
  for (auto const& [name, v] : labels) one(name, v);
  if (!le.empty()) one("le", le);
  if (before == ',') out_ += '}';
  out_ += ' ';
}

void writer::value(std::span<label const> labels, double v) {
  series("", labels, "");
  append_number(out_, v);
  out_ += '\n';
}

void writer::value(std::span<label const> labels, std::uint64_t v) {
  series("", labels, "");
  fmt::format_to(std::back_inserter(out_), "{}\n", v);
}

void writer::histogram(std::span<label const> labels, buckets const& shape, std::span<std::uint64_t const> counts,
                       std::uint64_t raw_sum) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= shape.count(); ++i) {
    total += counts[i];
    series("_bucket", labels,
           i == shape.count() ? std::string{"+Inf"}
                              : bound_text(static_cast<double>(shape.bound(i)) / shape.raw_in_unit(), format_));
    fmt::format_to(std::back_inserter(out_), "{}\n", total);
  }
  series("_sum", labels, "");
  append_number(out_, static_cast<double>(raw_sum) / shape.raw_in_unit());
  out_ += '\n';
  series("_count", labels, "");
  fmt::format_to(std::back_inserter(out_), "{}\n", total);
}

void writer::finish() {
  if (format_ == text_format::open_metrics) out_ += "# EOF\n";
}

}  // namespace slipway::metrics
