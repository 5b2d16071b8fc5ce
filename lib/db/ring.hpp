// A queue that keeps its memory: what is in flight on a connection comes and goes a million times in a second, and
// a deque would give its blocks back and take them again all the time.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace slipway::db::detail {

template <class T>
class ring {
 public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  T& front() noexcept { return places_[first_]; }
  // The i-th from the front.
  T& operator[](std::size_t i) noexcept { return places_[(first_ + i) & mask_]; }
  T const& operator[](std::size_t i) const noexcept { return places_[(first_ + i) & mask_]; }

  // So that as many more are pushed without asking for memory.
  void make_room(std::size_t more) {
    while (size_ + more > capacity_) grow();
  }
  void push(T value) {
    if (size_ == capacity_) [[unlikely]]
      grow();
    places_[(first_ + size_++) & mask_] = std::move(value);
  }
  void pop() noexcept {
    first_ = (first_ + 1) & mask_;
    --size_;
  }
  void clear() noexcept { first_ = size_ = 0; }

 private:
  void grow() {
    auto const larger = capacity_ == 0 ? 16 : capacity_ * 2;  // a power of two
    auto places = std::make_unique<T[]>(larger);
    for (std::size_t i = 0; i < size_; ++i) places[i] = std::move((*this)[i]);
    places_ = std::move(places);
    first_ = 0;
    capacity_ = larger;
    mask_ = larger - 1;
  }

  std::unique_ptr<T[]> places_;
  std::size_t first_ = 0, size_ = 0, capacity_ = 0, mask_ = 0;
};

}  // namespace slipway::db::detail
