// A ring of bytes between the thread that logs and the writer: each shard has its own, so its lock is free whenever
// it is taken. Whole lines only; the writer sees a line when it is complete.
#pragma once

#include <slipway/log/journal.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

namespace slipway::log {

// The text of the current time; the part before the fraction is made once a second.
class time_text {
 public:
  // "2026-01-31T12:00:00.000001Z", always with six digits.
  std::string_view operator()(time_point t) noexcept;

 private:
  std::chrono::sys_seconds second_{std::chrono::sys_seconds::min()};
  std::array<char, 32> text_{};
};

class lane {
 public:
  // `bytes` is rounded up to a power of two.
  explicit lane(std::uint32_t bytes);

  // The logging side; under `mutex`.
  std::mutex mutex;
  time_text time;
  // Room for a line of at most max_line bytes in one piece, or null when the ring is too full.
  char* reserve() noexcept;
  // Publishes the first `size` bytes of what `reserve` gave.
  void commit(std::size_t size) noexcept;
  bool more_than_half() const noexcept;
  // Set when waiting for room was in vain, so that only the first line of a jam waits.
  bool jammed = false;

  // The writer's side.
  struct waiting {
    std::array<std::string_view, 2> pieces;
    std::size_t bytes = 0;
    waiting first(std::size_t n) const noexcept {
      auto const a = pieces[0].substr(0, n);
      return {{a, pieces[1].substr(0, n - a.size())}, n};
    }
  };
  waiting peek() const noexcept;
  void take(std::size_t bytes) noexcept;

  bool empty() const noexcept { return tail_.load() == head_.load(); }

  std::atomic<std::uint64_t> lines{0}, dropped{0}, truncated{0};
  std::atomic<std::uint32_t> requests{0};  // for the access log's sample

 private:
  std::size_t capacity_;
  // A line that begins near the end is written past it and its rest copied to the front, so it is in one piece for
  // whoever writes it.
  std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // written so far
  alignas(64) std::atomic<std::uint64_t> head_{0};  // taken so far
};

}  // namespace slipway::log
