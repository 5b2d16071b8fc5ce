// All the metrics of a process by name, and their texts: Prometheus text format 0.0.4 and OpenMetrics 1.0.
#pragma once

#include <slipway/metrics/metrics.hpp>

namespace slipway::metrics {

enum class text_format : std::uint8_t { prometheus, open_metrics };
// What the Accept header of a scrape asks for; Prometheus text when it asks for nothing we have.
text_format negotiate(std::string_view accept) noexcept;
std::string_view content_type(text_format format) noexcept;

// The names of a family's labels; their number is part of the family's type.
template <std::size_t N>
struct labels {
  std::array<std::string, N> names;
  template <class... Names>
    requires(sizeof...(Names) == N && (std::convertible_to<Names, std::string> && ...))
  explicit labels(Names&&... n) : names{std::string(std::forward<Names>(n))...} {}
};
template <class... Names>
labels(Names&&...) -> labels<sizeof...(Names)>;

// A label's name and value.
using label = std::pair<std::string, std::string>;

enum class metric_kind : std::uint8_t { counter, gauge, histogram };

class registry;

namespace detail {
struct family;
// The cells for these values; see family_of::with.
cells series_of(family& f, std::span<std::string_view const> values);
buckets const& shape_of(family const& f) noexcept;
}  // namespace detail

// Writes families to a text. Collectors that keep their own cells use it.
class writer {
 public:
  writer(std::string& out, text_format format) noexcept : out_{out}, format_{format} {}
  // Begins a family. Names of counters end in "_total".
  void family(std::string_view name, std::string_view help, metric_kind kind);
  void value(std::span<label const> labels, double v);
  void value(std::span<label const> labels, std::uint64_t v);
  // `counts` has one more entry than the shape has bounds.
  void histogram(std::span<label const> labels, buckets const& shape, std::span<std::uint64_t const> counts,
                 std::uint64_t raw_sum);
  void finish();

 private:
  void series(std::string_view suffix, std::span<label const> labels, std::string_view le);
  std::string& out_;
  text_format format_;
  std::string name_;
  metric_kind kind_{};
};

// Several metrics of one name that differ in their labels' values.
template <class Metric, std::size_t N>
class family_of {
 public:
  family_of() noexcept = default;
  // The series for these values. Takes a lock: do it once and keep the handle. When the family is full, this is the
  // series whose labels all say "other", and metrics_label_overflow_total counts it.
  template <class... Values>
    requires(sizeof...(Values) == N && (std::convertible_to<Values, std::string_view> && ...))
  Metric with(Values const&... values) const {
    if (family_ == nullptr) return {};
    std::array<std::string_view, N> const texts{std::string_view{values}...};
    auto const at = detail::series_of(*family_, texts);
    if constexpr (std::is_same_v<Metric, metrics::histogram>)
      return Metric{at, detail::shape_of(*family_)};
    else
      return Metric{at};
  }

 private:
  friend registry;
  explicit family_of(detail::family& f) noexcept : family_{&f} {}
  detail::family* family_ = nullptr;
};

class registry {
 public:
  static constexpr std::size_t default_series = 100;  // of one family

  // For shards 0 to `shards` - 1 of one group of shards: a second group must have its own registry.
  explicit registry(unsigned shards);
  registry(registry const&) = delete;
  registry& operator=(registry const&) = delete;
  ~registry();

  // All of these throw std::invalid_argument for a malformed or taken name (see the Prometheus data model) and a
  // counter whose name does not end in "_total".
  metrics::counter counter(std::string name, std::string help);
  metrics::gauge gauge(std::string name, std::string help);
  metrics::histogram histogram(std::string name, std::string help, buckets shape = buckets::durations());
  template <std::size_t N>
  family_of<metrics::counter, N> counters(std::string name, std::string help, labels<N> l,
                                          std::size_t most = default_series) {
    return family_of<metrics::counter, N>{
        add(metric_kind::counter, std::move(name), std::move(help), l.names, most, nullptr)};
  }
  template <std::size_t N>
  family_of<metrics::gauge, N> gauges(std::string name, std::string help, labels<N> l,
                                      std::size_t most = default_series) {
    return family_of<metrics::gauge, N>{
        add(metric_kind::gauge, std::move(name), std::move(help), l.names, most, nullptr)};
  }
  template <std::size_t N>
  family_of<metrics::histogram, N> histograms(std::string name, std::string help, labels<N> l,
                                              buckets shape = buckets::durations(), std::size_t most = default_series) {
    return family_of<metrics::histogram, N>{
        add(metric_kind::histogram, std::move(name), std::move(help), l.names, most, &shape)};
  }

  // Removes a callback when it goes, so that what the callback reads may go after it.
  class [[nodiscard]] subscription {
   public:
    subscription() noexcept = default;
    subscription(subscription&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)}, id_{other.id_} {}
    subscription& operator=(subscription&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(id_, other.id_);
      return *this;
    }
    ~subscription();

   private:
    friend registry;
    subscription(registry& owner, std::uint64_t id) noexcept : owner_{&owner}, id_{id} {}
    registry* owner_ = nullptr;
    std::uint64_t id_ = 0;
  };
  // Values that are read when somebody asks. Called on the thread that renders, one at a time: it must be safe to
  // read from there, must not throw and must not use the registry. The same name may be used again with the same
  // label names and other values.
  subscription callback(metric_kind kind, std::string name, std::string help, std::vector<label> labels,
                        std::function<double()> read);
  // A part of the text with its own cells or source. Called like a callback.
  subscription collector(std::function<void(writer&)> write);

  std::string render(text_format format = text_format::prometheus) const;

  // Takes `count` cells (at most cells::stride) for a collector.
  cells take_cells(std::size_t count);
  unsigned shard_count() const noexcept;

 private:
  detail::family& add(metric_kind kind, std::string name, std::string help, std::span<std::string const> labels,
                      std::size_t most, buckets const* shape);
  void remove(std::uint64_t id) noexcept;

  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace slipway::metrics
