#include <slipway/metrics/http_metrics.hpp>

#include <slipway/core/assert.hpp>

#include <algorithm>

namespace slipway::metrics {
namespace {

// The cells of one route: counts by method and class, then three histograms.
constexpr std::size_t classes_of_status = 8;  // a power of two: a mask keeps any status and method inside
constexpr std::size_t counts_at = 0;
constexpr std::size_t duration_at = http_methods.size() * classes_of_status;
constexpr std::size_t duration_buckets = 15;
constexpr std::size_t in_at = duration_at + duration_buckets + 1;
constexpr std::size_t size_buckets = 8;
constexpr std::size_t out_at = in_at + size_buckets + 1;
constexpr std::size_t statements_at = out_at + size_buckets + 1;
constexpr std::size_t cells_of_route = statements_at + 2 * http_methods.size();
static_assert(cells_of_route <= cells::stride);

constexpr std::array<std::string_view, 6> class_names{"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
static_assert(http_methods.size() == 8);

void observe(cells::cell* at, buckets const& shape, std::size_t count, std::uint64_t raw) noexcept {
  cells::bump(at[shape.find_sparse(raw)], 1);
  cells::bump(at[count], raw);
}

}  // namespace

http_metrics::http_metrics(registry& all, std::vector<std::string> routes)
    : routes_{std::move(routes)}, last_{routes_.size()}, in_flight_{all.take_cells(1)} {
  must(durations_.count() + 1 == duration_buckets && sizes_.count() + 1 == size_buckets,
       "the cells of a route fit its histograms");
  must(durations_.sparse() && sizes_.sparse(), "one comparison finds the bucket");
  routes_.emplace_back("unmatched");
  // Routes of one pattern, for its several methods, are one series.
  std::vector<std::string> names;
  for (auto& name : routes_) {
    auto const known = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    if (known == names.size()) {
      names.push_back(std::move(name));
      by_route_.push_back(all.take_cells(cells_of_route));
    }
    first_.push_back(by_route_[known].first());
  }
  routes_ = std::move(names);
  subscription_ = all.collector([this](writer& out) { write(out); });
}

// Every request passes here: the shard's row is looked up once, and everything else is plain arithmetic in it.
void http_metrics::end(http_record const& r) const noexcept {
  auto const mine = in_flight_.local_row();
  if (mine == cells::no_row) [[unlikely]]
    return;
  cells::bump(in_flight_.first()[mine], ~std::uint64_t{0});
  auto* const row = first_[r.route < last_ ? r.route : last_] + mine;
  // Divides by 100; exact below 1000, and the mask keeps what is no status at all within the row.
  auto const status_class = static_cast<unsigned>(r.status) * 41 >> 12 & 7;
  cells::bump(row[counts_at + (r.method & 7) * classes_of_status + status_class], 1);
  observe(row + duration_at, durations_, duration_buckets, r.nanoseconds);
  observe(row + in_at, sizes_, size_buckets, r.bytes_in);
  observe(row + out_at, sizes_, size_buckets, r.bytes_out);
  if (r.statements == 0) return;
  auto* const statements = row + statements_at + (r.method & 7) * 2;
  cells::bump(statements[0], r.statements);
  cells::bump(statements[1], r.statement_ns);
}

std::uint64_t http_metrics::requests() const noexcept {
  std::uint64_t total = 0;
  for (auto const& route : by_route_)
    for (std::size_t i = counts_at; i < duration_at; ++i) total += route.sum(i);
  return total;
}

void http_metrics::write(writer& out) const {
  out.family("http_requests_in_flight", "Requests that are being worked on", metric_kind::gauge);
  out.value({}, static_cast<double>(in_flight()));
  out.family("http_requests_total", "Requests that were answered, by route, method and class of status",
             metric_kind::counter);
  for (std::size_t r = 0; r < routes_.size(); ++r)
    for (std::size_t m = 0; m < http_methods.size(); ++m)
      for (std::size_t c = 0; c < class_names.size(); ++c) {
        auto const at = counts_at + m * classes_of_status;
        auto n = by_route_[r].sum(at + c);
        if (c == 0) n += by_route_[r].sum(at + 6) + by_route_[r].sum(at + 7);
        if (n != 0) {
          std::array<label, 3> const labels{{{"route", routes_[r]},
                                             {"method", std::string{http_methods[m]}},
                                             {"status", std::string{class_names[c]}}}};
          out.value(labels, n);
        }
      }
  auto const statements = [&](std::string_view name, std::string_view help, std::size_t which, auto as_written) {
    out.family(name, help, metric_kind::counter);
    for (std::size_t r = 0; r < routes_.size(); ++r)
      for (std::size_t m = 0; m < http_methods.size(); ++m)
        if (auto const n = by_route_[r].sum(statements_at + m * 2 + which); n != 0) {
          std::array<label, 2> const labels{{{"route", routes_[r]}, {"method", std::string{http_methods[m]}}}};
          out.value(labels, as_written(n));
        }
  };
  statements("http_request_statements_total", "Statements that requests sent to databases, by route and method", 0,
             [](std::uint64_t n) { return n; });
  statements("http_request_statement_seconds_total", "How long these took, together", 1,
             [](std::uint64_t n) { return static_cast<double>(n) / 1e9; });
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
  histogram("http_request_duration_seconds", "From the first byte of the request to the answer's hand-over",
            duration_at, durations_);
  histogram("http_request_size_bytes", "Bytes of a request, head and body", in_at, sizes_);
  histogram("http_response_size_bytes", "Bytes of an answer, head and body", out_at, sizes_);
}

}  // namespace slipway::metrics
