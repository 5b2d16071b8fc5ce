#include <slipway/log/lane.hpp>

#include <slipway/core/time.hpp>

#include <algorithm>
#include <bit>

namespace slipway::log {

std::string_view time_text::operator()(time_point t) noexcept {
  constexpr std::size_t whole = 19;
  auto const second = std::chrono::floor<std::chrono::seconds>(t);
  if (second != second_) {
    write_rfc3339(text_.data(), second);
    second_ = second;
    text_[whole] = '.';
    text_[whole + 7] = 'Z';
  }
  auto const fraction = static_cast<std::uint32_t>((t - second).count());
  auto const put2 = [&](std::size_t at, std::uint32_t n) {
    text_[at] = static_cast<char>('0' + n / 10);
    text_[at + 1] = static_cast<char>('0' + n % 10);
  };
  put2(whole + 1, fraction / 10'000);
  put2(whole + 3, fraction / 100 % 100);
  put2(whole + 5, fraction % 100);
  return {text_.data(), whole + 8};
}

lane::lane(std::uint32_t bytes)
    : capacity_{std::bit_ceil(std::max<std::size_t>(bytes, 4 * max_line))},
      bytes_{std::make_unique_for_overwrite<char[]>(capacity_ + max_line)} {}

char* lane::reserve() noexcept {
  auto const tail = tail_.load(std::memory_order_relaxed);
  if (capacity_ - static_cast<std::size_t>(tail - head_.load(std::memory_order_acquire)) < max_line) return nullptr;
  return bytes_.get() + (tail & (capacity_ - 1));
}

void lane::commit(std::size_t size) noexcept {
  auto const tail = tail_.load(std::memory_order_relaxed);
  auto const at = static_cast<std::size_t>(tail & (capacity_ - 1));
  if (at + size > capacity_) [[unlikely]]
    std::memcpy(bytes_.get(), bytes_.get() + capacity_, at + size - capacity_);
  lines.store(lines.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  // Sequentially consistent, as is the writer's announcement that it goes to sleep: one of the two sees the other.
  tail_.store(tail + size);
}

bool lane::more_than_half() const noexcept {
  return tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed) > capacity_ / 2;
}

lane::waiting lane::peek() const noexcept {
  auto const head = head_.load(std::memory_order_relaxed);
  auto const bytes = static_cast<std::size_t>(tail_.load(std::memory_order_acquire) - head);
  auto const at = static_cast<std::size_t>(head & (capacity_ - 1));
  auto const first = std::min(bytes, capacity_ - at);
  return {{std::string_view{bytes_.get() + at, first}, std::string_view{bytes_.get(), bytes - first}}, bytes};
}

void lane::take(std::size_t bytes) noexcept {
  head_.store(head_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace slipway::log
