// All the shards of a process and their threads.
#pragma once

#include <slipway/runtime/shard.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <semaphore>
#include <span>
#include <thread>
#include <vector>

namespace slipway {

class shards {
 public:
  // `count` of zero means one for each core that this process may use. The threads start here and idle.
  explicit shards(unsigned count = 0);
  shards(shards const&) = delete;
  shards& operator=(shards const&) = delete;
  // Stops the loops and joins the threads. Whoever put work on the shards has ended it before.
  ~shards();

  unsigned size() const noexcept { return static_cast<unsigned>(all_.size()); }
  shard& operator[](unsigned index) noexcept { return *all_[index]; }

  // Calls `visit` on each shard's own thread, one after the other, and waits. Rethrows the first exception.
  // Not from a shard's thread.
  void on_each(std::function<void(shard&)> const& visit);

  // Runs a task on one shard and waits for its value; for commands, start-up and tests. Rethrows.
  // Not from a shard's thread.
  template <class T>
  T run(task<T> work, unsigned index = 0);

 private:
  std::vector<std::unique_ptr<shard>> all_;
  std::vector<std::jthread> threads_;
};

// One T for each shard. `local()` is the one of the calling shard.
template <class T>
class per_shard {
 public:
  explicit per_shard(unsigned count) : all_(count) {}
  T& local() noexcept { return all_[shard::current().index()].value; }
  T const& local() const noexcept { return all_[shard::current().index()].value; }
  T& of(shard const& s) noexcept { return all_[s.index()].value; }
  T& operator[](unsigned index) noexcept { return all_[index].value; }
  T const& operator[](unsigned index) const noexcept { return all_[index].value; }
  unsigned size() const noexcept { return static_cast<unsigned>(all_.size()); }

 private:
  struct alignas(64) padded {  // a cache line each: neighbours must not slow each other down
    T value{};
  };
  std::vector<padded> all_;
};

template <class T>
T shards::run(task<T> work, unsigned index) {
  std::binary_semaphore done{0};
  std::exception_ptr error;
  if constexpr (std::is_void_v<T>) {
    all_[index]->spawn([](task<T> inner, std::exception_ptr& e, std::binary_semaphore& d) -> task<> {
      try {
        auto here = std::move(inner);  // gone, on this shard, before the caller goes on
        co_await std::move(here);
      } catch (...) {
        e = std::current_exception();
      }
      d.release();
    }(std::move(work), error, done));
    done.acquire();
    if (error) std::rethrow_exception(error);
  } else {
    std::optional<T> value;
    all_[index]->spawn(
        [](task<T> inner, std::optional<T>& v, std::exception_ptr& e, std::binary_semaphore& d) -> task<> {
          try {
            auto here = std::move(inner);
            v.emplace(co_await std::move(here));
          } catch (...) {
            e = std::current_exception();
          }
          d.release();
        }(std::move(work), value, error, done));
    done.acquire();
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
}

}  // namespace slipway
