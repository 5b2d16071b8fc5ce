#include <slipway/config/nearest.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace slipway::config {

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  auto const difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

std::string_view nearest(std::string_view name, std::span<std::string const> among) {
  if (name.size() > 100) return {};
  auto const limit = std::max<std::size_t>(1, name.size() / 3);
  std::string_view best;
  auto least = limit + 1;
  for (auto const& candidate : among)
    if (auto const d = edit_distance(name, candidate, limit); d < least) {
      least = d;
      best = candidate;
    }
  return best;
}

}  // namespace slipway::config
