// The thread that brings what is in the lanes to the sink. It sleeps while nothing is logged; the first line wakes
// it, and it then looks every `flush_every` until a look finds nothing.
#pragma once

#include <slipway/log/lane.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace slipway::log {

// The lanes of a journal: made when a thread first logs. Threads that are no shards share the first.
class lanes {
 public:
  static constexpr std::size_t most = 65;
  explicit lanes(std::uint32_t bytes) noexcept : bytes_{bytes} {}
  ~lanes();
  lane& mine();
  lane* at(std::size_t index) const noexcept { return all_[index].load(std::memory_order_acquire); }
  bool empty() const noexcept;

 private:
  lane& make(std::size_t index);
  std::uint32_t bytes_;
  std::array<std::atomic<lane*>, most> all_{};
};

class writer {
 public:
  // `report` is called on the writer's thread after each look, for what it wants to log itself.
  writer(lanes& from, std::unique_ptr<sink> to, std::chrono::milliseconds every, std::function<void()> report);
  ~writer();

  // After a line was published.
  void notice(bool urgent) noexcept {
    if (asleep_.load() || urgent) [[unlikely]]
      wake();
  }
  void reopen() noexcept;
  bool flush(std::chrono::milliseconds limit) noexcept;
  std::uint64_t failed() const noexcept { return failed_.load(std::memory_order_relaxed); }
  // What went wrong with the last reopen; for `report`, which clears it.
  std::string& reopen_error() noexcept { return reopen_error_; }

 private:
  enum class progress { all, stuck };
  void run();
  progress drain() noexcept;
  progress drain(lane& l, bool& mid_line) noexcept;
  void open_again();
  void wake() noexcept;

  lanes& lanes_;
  std::unique_ptr<sink> sink_;
  std::chrono::milliseconds every_;
  std::function<void()> report_;
  std::atomic<bool> asleep_{false};
  std::atomic<std::uint64_t> failed_{0};
  std::string reopen_error_;
  std::size_t unfinished_ = 0;  // the lane whose line is half written: it goes on first
  bool mid_line_ = false;

  std::mutex mutex_;
  std::condition_variable wake_, drained_;
  bool woken_ = false, reopen_ = false, stopping_ = false;
  std::uint64_t flush_asked_ = 0, flush_done_ = 0;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace slipway::log
