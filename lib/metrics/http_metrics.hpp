// What is measured of every HTTP request: count by route, method and status class, duration by route, in flight, and
// the sizes of requests and answers. It knows no HTTP library: routes are numbers, methods an index.
#pragma once

#include <slipway/metrics/registry.hpp>

namespace slipway::metrics {

struct http_record {
  std::size_t route = 0;  // index into the names; anything beyond: "unmatched"
  unsigned method = 0;    // index into http_methods, below 8
  int status = 200;       // 0 to 99 and 600 to 799 are shown as "other"
  std::uint64_t nanoseconds = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t statements = 0, statement_ns = 0;  // of databases
};

// In the order of http::method.
inline constexpr std::array<std::string_view, 8> http_methods{"GET",   "HEAD",   "POST",    "PUT",
                                                              "PATCH", "DELETE", "OPTIONS", "other"};

class http_metrics {
 public:
  // `routes` are the patterns as shown ("/v1/notes/{id}"), by index; one that comes twice is one series. `all` must outlive this.
  http_metrics(registry& all, std::vector<std::string> routes);
  http_metrics(http_metrics const&) = delete;
  http_metrics& operator=(http_metrics const&) = delete;

  // On a shard only. `begin` when a request is read, `end` once its answer is known; one for one.
  void begin() const noexcept {
    if (auto* const row = in_flight_.local(); row != nullptr) [[likely]]
      cells::bump(*row, 1);
  }
  void end(http_record const& r) const noexcept;

  std::uint64_t requests() const noexcept;  // all that ended, for the console
  std::int64_t in_flight() const noexcept { return static_cast<std::int64_t>(in_flight_.sum(0)); }

 private:
  void write(writer& out) const;

  std::vector<std::string> routes_;  // each pattern once
  buckets durations_ = buckets::durations();
  buckets sizes_ = buckets::sizes();
  std::vector<cells> by_route_;      // of each pattern; the last: the unmatched
  std::vector<cells::cell*> first_;  // the first cell of each route on shard 0
  std::size_t last_;                 // index of the unmatched
  cells in_flight_;
  registry::subscription subscription_;
};

}  // namespace slipway::metrics
