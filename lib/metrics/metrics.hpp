// Counters, gauges and histograms that cost a few instructions to change and are read by summing up.
// Each shard owns its own cells: the request path does a plain load, add and store in memory that no other core
// writes. A reader adds up all shards; it may miss what happens while it reads, never what happened before.
//
//   metrics::registry all{shards.size()};
//   auto queries = all.counters("db_queries_total", "Statements run, by outcome", metrics::labels{"engine", "outcome"});
//   auto ok = queries.with("sqlite", "ok");   // once: takes a lock. Keep the handle.
//   ok.add();                                 // a handful of instructions
#pragma once

#include <slipway/runtime/shard.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::metrics {

// Where the value of one series lives: the cell of shard i is `first[i * stride]`, and one more cell behind the last
// shard's serves every other thread. Valid as long as its registry.
class cells {
 public:
  using cell = std::atomic<std::uint64_t>;
  static constexpr std::size_t stride = 512;  // a page for each shard: no two shards share a cache line

  cells() noexcept = default;
  cells(cell* first, unsigned shards) noexcept : first_{first}, shards_{shards} {}
  bool empty() const noexcept { return first_ == nullptr; }
  cell* first() const noexcept { return first_; }

  // The calling shard's row; null on a thread that is no shard of this registry.
  cell* local() const noexcept {
    auto const row = local_row();
    return row == no_row ? nullptr : first_ + row;
  }
  static constexpr std::size_t no_row = SIZE_MAX;
  // How many cells behind `first` the calling shard's row begins.
  std::size_t local_row() const noexcept {
    if (!shard::on_a_shard()) [[unlikely]]
      return no_row;
    std::size_t const index = shard::current().index();
    if (index >= shards_) [[unlikely]]
      return no_row;
    return index * stride;
  }
  void add(std::size_t at, std::uint64_t by) const noexcept {
    if (auto* row = local(); row != nullptr) [[likely]]
      bump(row[at], by);
    else
      first_[shards_ * stride + at].fetch_add(by, std::memory_order_relaxed);
  }
  std::uint64_t sum(std::size_t at) const noexcept {
    std::uint64_t total = 0;
    for (unsigned i = 0; i <= shards_; ++i) total += first_[i * stride + at].load(std::memory_order_relaxed);
    return total;
  }
  // The only writer of a shard's cell is that shard: no locked instruction is needed.
  static void bump(cell& c, std::uint64_t by) noexcept {
    c.store(c.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

 private:
  cell* first_ = nullptr;
  unsigned shards_ = 0;
};

// Handles are small, copied freely, and do nothing when they were default-made: metrics are optional everywhere.
class counter {
 public:
  counter() noexcept = default;
  explicit counter(cells at) noexcept : at_{at} {}
  void add(std::uint64_t by = 1) const noexcept {
    if (!at_.empty()) at_.add(0, by);
  }
  std::uint64_t value() const noexcept { return at_.empty() ? 0 : at_.sum(0); }

 private:
  cells at_;
};

// Something that goes up and down; the value is the sum of what all shards added and took away.
class gauge {
 public:
  gauge() noexcept = default;
  explicit gauge(cells at) noexcept : at_{at} {}
  void add(std::int64_t by = 1) const noexcept {
    if (!at_.empty()) at_.add(0, static_cast<std::uint64_t>(by));
  }
  void subtract(std::int64_t by = 1) const noexcept { add(-by); }
  std::int64_t value() const noexcept { return at_.empty() ? 0 : static_cast<std::int64_t>(at_.sum(0)); }

 private:
  cells at_;
};

// The bounds of a histogram, in whole raw units (nanoseconds, bytes), and how many raw units make one of the unit
// that is shown (1e9 for seconds). At most 30 bounds, ascending.
class buckets {
 public:
  static constexpr std::size_t most = 30;
  // Throws std::invalid_argument for bounds that do not ascend, are too many, or none.
  buckets(std::span<std::uint64_t const> bounds, double raw_in_unit);

  // 0.5 ms to 10 s, observed in nanoseconds, shown in seconds.
  static buckets durations();
  // 100 B to 100 MB, observed and shown in bytes.
  static buckets sizes();

  // Which bucket takes the value: the first whose bound is not below it. `count()` is the one without a bound.
  // The table gives the first candidate by the highest bit that is set, so that a step or two are enough.
  std::size_t find(std::uint64_t raw) const noexcept {
    std::size_t i = first_[static_cast<std::size_t>(63 - std::countl_zero(raw | 1))];
    while (raw > bounds_[i]) ++i;  // the last bound is the largest number there is
    return i;
  }
  // The same without a loop, for shapes where each bound is at least twice the one before.
  std::size_t find_sparse(std::uint64_t raw) const noexcept {
    std::size_t const i = first_[static_cast<std::size_t>(63 - std::countl_zero(raw | 1))];
    return i + (raw > bounds_[i] ? 1 : 0);
  }
  bool sparse() const noexcept;
  std::size_t count() const noexcept { return count_; }
  std::uint64_t bound(std::size_t i) const noexcept { return bounds_[i]; }
  double raw_in_unit() const noexcept { return raw_in_unit_; }
  // Cells that a histogram takes: its buckets, the unbounded one, and the sum.
  std::size_t cell_count() const noexcept { return count_ + 2; }

 private:
  std::array<std::uint8_t, 64> first_{};
  std::array<std::uint64_t, most + 1> bounds_{};
  std::size_t count_;
  double raw_in_unit_;
};

class histogram {
 public:
  histogram() noexcept = default;
  histogram(cells at, buckets const& shape) noexcept : at_{at}, shape_{&shape} {}
  void observe(std::uint64_t raw) const noexcept {
    if (at_.empty()) return;
    at_.add(shape_->find(raw), 1);
    at_.add(shape_->count() + 1, raw);
  }
  std::uint64_t count() const noexcept {
    std::uint64_t total = 0;
    if (!at_.empty())
      for (std::size_t i = 0; i <= shape_->count(); ++i) total += at_.sum(i);
    return total;
  }
  double sum() const noexcept {
    return at_.empty() ? 0 : static_cast<double>(at_.sum(shape_->count() + 1)) / shape_->raw_in_unit();
  }

 private:
  cells at_;
  buckets const* shape_ = nullptr;
};

}  // namespace slipway::metrics
