// How far the log was when somebody last wrote, for all their later requests to this process: in one fixed array that
// all shards share without a lock. Two people may share a place: then one of them reads from the primary for a moment
// because the other wrote. Nothing is ever forgotten, because positions only grow.
#pragma once

#include <slipway/db/replicas.hpp>

#include <array>
#include <atomic>
#include <cstdint>

namespace slipway::db {

class recent_writes {
 public:
  // `who`: a hash of whoever wrote, such as a part of a random id.
  void note(std::uint64_t who, std::uint64_t position) noexcept {
    auto& place = places_[who % size];
    auto known = place.load(std::memory_order_relaxed);
    while (both_written(known, position) != known &&
           !place.compare_exchange_weak(known, both_written(known, position), std::memory_order_relaxed)) {}
  }
  std::uint64_t of(std::uint64_t who) const noexcept { return places_[who % size].load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t size = 8'192;
  std::array<std::atomic<std::uint64_t>, size> places_{};
};

}  // namespace slipway::db
