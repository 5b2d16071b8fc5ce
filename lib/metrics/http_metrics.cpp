#include <slipway/metrics/http_metrics.hpp>

#include <algorithm>

namespace slipway::metrics {
namespace {

// The cells of one route: counts by method and class, then three histograms.
constexpr std::size_t classes_of_status = 6;
constexpr std::size_t counts_at = 0;
constexpr std::size_t duration_at = http_methods.size() * classes_of_status;
constexpr std::size_t duration_buckets = 15;
constexpr std::size_t in_at = duration_at + duration_buckets + 1;
constexpr std::size_t size_buckets = 8;
constexpr std::size_t out_at = in_at + size_buckets + 1;
constexpr std::size_t cells_of_route = out_at + size_buckets + 1;
static_assert(cells_of_route <= cells::stride);

constexpr std::array<std::string_view, classes_of_status> class_names{"other", "1xx", "2xx", "3xx", "4xx", "5xx"};

void observe(cells::cell* row, std::size_t at, buckets const& shape, std::size_t count, std::uint64_t raw) noexcept {
  cells::bump(row[at + shape.find(raw)], 1);
  cells::bump(row[at + count], raw);
}

}  // namespace

http_metrics::http_metrics(registry& all, std::vector<std::string> routes)
    : routes_{std::move(routes)}, in_flight_{all.gauge("http_requests_in_flight", "Requests that are being worked on")} {
  routes_.emplace_back("unmatched");
  for (std::size_t i = 0; i < routes_.size(); ++i) by_route_.push_back(all.take_cells(cells_of_route));
  subscription_ = all.collector([this](writer& out) { write(out); });
}

void http_metrics::end(http_record const& r) const noexcept {
  in_flight_.subtract(1);
  auto* const row = by_route_[std::min(r.route, by_route_.size() - 1)].local();
  if (row == nullptr) [[unlikely]] return;
  auto const method = std::min<std::size_t>(r.method, http_methods.size() - 1);
  auto const of_hundred = static_cast<unsigned>(r.status) / 100;
  auto const status_class = of_hundred < classes_of_status ? of_hundred : 0;
  cells::bump(row[counts_at + method * classes_of_status + status_class], 1);
  observe(row, duration_at, durations_, duration_buckets, r.nanoseconds);
  observe(row, in_at, sizes_, size_buckets, r.bytes_in);
  observe(row, out_at, sizes_, size_buckets, r.bytes_out);
}

std::uint64_t http_metrics::requests() const noexcept {
  std::uint64_t total = 0;
  for (auto const& route : by_route_)
    for (std::size_t i = counts_at; i < duration_at; ++i) total += route.sum(i);
  return total;
}

void http_metrics::write(writer& out) const {
  out.family("http_requests_total", "Requests that were answered, by route, method and class of status", metric_kind::counter);
  for (std::size_t r = 0; r < routes_.size(); ++r)
    for (std::size_t m = 0; m < http_methods.size(); ++m)
      for (std::size_t c = 0; c < classes; ++c)
        if (auto const n = by_route_[r].sum(counts_at + m * classes + c); n != 0) {
          std::array<label, 3> const labels{{{"route", routes_[r]}, {"method", std::string{http_methods[m]}}, {"status", std::string{class_names[c]}}}};
          out.value(labels, n);
        }
  auto const histogram = [&](std::string_view name, std::string_view help, std::size_t at, buckets const& shape) {
    out.family(name, help, metric_kind::histogram);
    for (std::size_t r = 0; r < routes_.size(); ++r) {
      std::array<std::uint64_t, buckets::most + 1> counts{};
      std::uint64_t any = 0;
      for (std::size_t i = 0; i <= shape.count(); ++i) any += counts[i] = by_route_[r].sum(at + i);
      if (any == 0) continue;  // a route that nobody asked for yet would only be noise
      label const route{"route", routes_[r]};
      out.histogram({&route, 1}, shape, counts, by_route_[r].sum(at + shape.count() + 1));
    }
  };
  histogram("http_request_duration_seconds", "From the first byte of the request to the answer's hand-over", duration_at, durations_);
  histogram("http_request_size_bytes", "Bytes of a request, head and body", in_at, sizes_);
  histogram("http_response_size_bytes", "Bytes of an answer, head and body", out_at, sizes_);
}

}  // namespace slipway::metrics
