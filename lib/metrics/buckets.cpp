#include <slipway/metrics/metrics.hpp>

#include <stdexcept>

namespace slipway::metrics {

buckets::buckets(std::span<std::uint64_t const> bounds, double raw_in_unit)
    : count_{bounds.size()}, raw_in_unit_{raw_in_unit} {
  if (bounds.empty() || bounds.size() > most) throw std::invalid_argument{"a histogram has 1 to 30 bounds"};
  for (std::size_t i = 0; i < count_; ++i) {
    if (i > 0 && bounds[i] <= bounds[i - 1]) throw std::invalid_argument{"the bounds of a histogram must ascend"};
    bounds_[i] = bounds[i];
  }
  bounds_[count_] = UINT64_MAX;
  for (std::size_t top_bit = 0; top_bit < first_.size(); ++top_bit) {
    // Zero shares its entry with one: both begin at the first bucket that may take them.
    auto const least = top_bit == 0 ? 0 : std::uint64_t{1} << top_bit;
    std::size_t i = 0;
    while (bounds_[i] < least) ++i;
    first_[top_bit] = static_cast<std::uint8_t>(i);
  }
}

bool buckets::sparse() const noexcept {
  for (std::size_t i = 1; i < count_; ++i)
    if (bounds_[i] / 2 < bounds_[i - 1]) return false;
  return true;
}

buckets buckets::durations() {
  constexpr std::uint64_t ms = 1'000'000;
  constexpr std::array<std::uint64_t, 14> bounds{ms / 2,    ms,        ms * 5 / 2, ms * 5,     ms * 10,
                                                 ms * 25,   ms * 50,   ms * 100,   ms * 250,   ms * 500,
                                                 ms * 1000, ms * 2500, ms * 5000,  ms * 10'000};
  return {bounds, 1e9};
}

buckets buckets::sizes() {
  constexpr std::array<std::uint64_t, 7> bounds{100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};
  return {bounds, 1};
}

}  // namespace slipway::metrics
