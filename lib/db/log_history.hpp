// How far the primary's log was and when, for telling how long a replica is behind: the clocks of servers are not
// asked, and a primary that writes nothing makes no replica late. For the .cpp files of this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace slipway::db::detail {

class log_history {
 public:
  using time = std::chrono::steady_clock::time_point;

  // `when` the primary was asked. A position that is lower than one before begins anew: another log.
  void add(time when, std::uint64_t position) {
    if (!all_.empty() && position < all_.back().position) all_.clear();
    if (!all_.empty() && position == all_.back().position) return;
    if (all_.size() == most) all_.pop_front();
    all_.push_back({when, position});
  }
  std::uint64_t latest() const noexcept { return all_.empty() ? 0 : all_.back().position; }
  // Since when the primary has had something that is not there yet; zero when there is nothing.
  std::chrono::microseconds lag_of(std::uint64_t replayed, time now) const noexcept {
    for (auto const& each : all_)
      if (each.position > replayed) return std::chrono::duration_cast<std::chrono::microseconds>(now - each.when);
    return {};
  }

 private:
  static constexpr std::size_t most = 512;
  struct entry {
    time when;
    std::uint64_t position;
  };
  std::deque<entry> all_;
};

}  // namespace slipway::db::detail
