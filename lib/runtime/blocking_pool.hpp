// Threads for work that blocks or burns the processor: password hashing, drivers without an asynchronous API, disk.
// The queue is bounded; when it is full the caller is told at once (503 with Retry-After) instead of waiting
// behind work that nobody will wait for.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/runtime/shard.hpp>

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace slipway {

class blocking_pool {
 public:
  struct limits {
    unsigned threads = 2;
    std::size_t queue = 64;  // jobs that may wait beside those that run
  };
  struct usage {
    std::size_t queued = 0, running = 0;
    std::uint64_t done = 0, refused = 0;
  };

  // Throws startup_error(exit_code::os) when the system gives it no threads.
  blocking_pool(std::string name, limits bounds);
  blocking_pool(blocking_pool const&) = delete;
  blocking_pool& operator=(blocking_pool const&) = delete;
  // Finishes what is queued.
  ~blocking_pool();

  // Runs `work` on a thread of the pool and resumes the caller on its own shard with what it returned or threw.
  // Throws unavailable_error when the queue is full. The work is always waited for, also when the caller's context
  // is cancelled meanwhile: it may use what the caller holds.
  template <class F>
  auto run(F work) -> task<std::invoke_result_t<F&>>;

  std::string const& name() const noexcept { return name_; }
  usage use() const;

 private:
  struct job {
    job* next = nullptr;
    shard* home = nullptr;
    std::coroutine_handle<> waiting;
    void (*call)(job&) = nullptr;
  };
  void submit(job& j);
  void work();
  void stop() noexcept;

  std::string name_;
  limits bounds_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  job* first_ = nullptr;
  job* last_ = nullptr;
  usage use_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

template <class F>
auto blocking_pool::run(F work) -> task<std::invoke_result_t<F&>> {
  using R = std::invoke_result_t<F&>;
  using stored = std::conditional_t<std::is_void_v<R>, bool, R>;
  struct awaited : job {
    blocking_pool& pool;
    F& work;
    std::optional<stored> value{};
    std::exception_ptr error{};
    awaited(blocking_pool& p, F& w) : pool{p}, work{w} {
      this->call = [](job& j) {
        auto& me = static_cast<awaited&>(j);
        try {
          if constexpr (std::is_void_v<R>) {
            me.work();
            me.value.emplace(true);
          } else {
            me.value.emplace(me.work());
          }
        } catch (...) {
          me.error = std::current_exception();
        }
      };
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) {
      this->waiting = self;
      this->home = &shard::current();
      pool.submit(*this);
    }
    R await_resume() {
      if (error) std::rethrow_exception(error);
      if constexpr (!std::is_void_v<R>) return std::move(*value);
    }
  };
  awaited job{*this, work};
  co_return co_await job;
}

}  // namespace slipway
