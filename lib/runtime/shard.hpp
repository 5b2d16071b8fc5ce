// One thread, one event loop, and everything that a request touches: a shard for each core shares nothing with the
// others on the request's way.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/task.hpp>
#include <slipway/runtime/poller.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace slipway {

class shard {
 public:
  explicit shard(unsigned index);
  shard(shard const&) = delete;
  shard& operator=(shard const&) = delete;
  ~shard();

  // The shard of the calling thread. Only on a shard's thread.
  static shard& current() noexcept { return *current_; }
  static bool on_a_shard() noexcept { return current_ != nullptr; }

  unsigned index() const noexcept { return index_; }
  boost::asio::io_context& io() noexcept;
  poller& sockets() noexcept;

  // Runs `work` on this shard, soon. From any thread. `work` must not throw.
  void post(std::move_only_function<void()> work);
  // Runs a task on this shard. From any thread. An exception that leaves it ends the process. `operation`, if any,
  // must live as long as the task.
  void spawn(task<> work, context* operation = nullptr);

  // Steady time, read once for each turn of the loop that asked for it; at most 100 ms old.
  std::chrono::steady_clock::time_point coarse_now() const noexcept { return coarse_now_; }
  // How late the loop's last regular wake-up came: above a few milliseconds, something blocks this shard.
  std::chrono::microseconds lag() const noexcept {
    return std::chrono::microseconds{lag_us_.load(std::memory_order_relaxed)};
  }

  // Calls `fire` about every 100 ms on this shard, until the returned handle goes. Only on the shard's own thread.
  class [[nodiscard]] ticker {
   public:
    ticker() noexcept = default;
    ticker(ticker&& other) noexcept;
    ticker& operator=(ticker&& other) noexcept;
    ~ticker();

   private:
    friend shard;
    ticker(shard& owner, std::uint64_t id) noexcept : owner_{&owner}, id_{id} {}
    shard* owner_ = nullptr;
    std::uint64_t id_ = 0;
  };
  static constexpr std::chrono::milliseconds tick{100};
  ticker on_tick(std::move_only_function<void()> fire);

  // For `shards`: runs the loop on the calling thread until `stop`.
  void run();
  void stop() noexcept;

 private:
  struct impl;
  void tick_now();

  static thread_local constinit shard* current_;
  unsigned index_;
  std::chrono::steady_clock::time_point coarse_now_;
  std::atomic<std::int64_t> lag_us_{0};
  std::unique_ptr<impl> impl_;
};

inline thread_local constinit shard* shard::current_ = nullptr;

// Suspends the calling task. Throws cancelled_error when its context is cancelled meanwhile.
task<> sleep_for(std::chrono::steady_clock::duration d);

}  // namespace slipway
