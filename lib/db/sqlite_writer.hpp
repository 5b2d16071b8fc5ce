// SQLite has one writer at a time, so there is one writing connection, on its own thread, and a bounded queue before
// it. A transaction owns the writer from its begin to its end; everybody else waits, first come, first served.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/db/sqlite_connection.hpp>
#include <slipway/runtime/shards.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace slipway::db::detail {

class sqlite_writer {
 public:
  // Opens the file; throws startup_error.
  sqlite_writer(std::string path, settings const& s, sqlite_connection::access a);
  // Finishes what is queued. A transaction that is still open is undone.
  ~sqlite_writer();

  enum class role : std::uint8_t { alone, begin, inside, end };

  struct job {
    job* next = nullptr;
    shard* home = nullptr;
    std::function<void(sqlite_connection&)> work;
    role as = role::alone;
    std::uint64_t transaction = 0;
    std::chrono::steady_clock::time_point give_up;  // when it has waited long enough
    stop_rule stop;
    std::atomic<bool> cancelled{false};
    std::exception_ptr error;
    void (*finished)(job&) = nullptr;  // on the home shard
  };

  // Awaited: does `work` on the writer's thread. Cancelled with the caller's context, except at the end of a
  // transaction. Work that runs is always waited for.
  class call : job, context::hook {
   public:
    call(sqlite_writer& writer, role as, std::uint64_t transaction,
         std::function<void(sqlite_connection&, stop_rule const&)> work);
    ~call() { context::drop(*this); }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) {
      waiting_ = self;
      suspend(self.promise().operation);
    }
    void await_resume();

   private:
    void suspend(context* operation);
    sqlite_writer& writer_;
    std::coroutine_handle<> waiting_;
    cancel_reason why_ = cancel_reason::none;
    std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  };

  // The end of a transaction that nobody waits for.
  void abandon(std::uint64_t transaction);
  // Fails the jobs of this shard that have waited too long. Called about every 100 ms on each shard.
  void expire(shard& home);

  std::uint64_t next_transaction() noexcept { return next_transaction_.fetch_add(1, std::memory_order_relaxed); }
  void add_to(usage& u) const;

 private:
  struct queue {
    job* first = nullptr;
    job* last = nullptr;
    std::size_t size = 0;
    void push(job& j) noexcept;
    job* pop() noexcept;
    bool remove(job& j) noexcept;
  };
  void submit(job& j);
  bool withdraw(job& j);
  job* take(std::unique_lock<std::mutex>& lock);
  void run(job& j);
  void work();

  settings const settings_;
  sqlite_connection connection_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  queue outside_, inside_;
  std::uint64_t owner_ = 0;  // the transaction that has the writer
  bool stopping_ = false;
  usage use_;
  std::atomic<std::uint64_t> next_transaction_{1};
  std::jthread thread_;
};

}  // namespace slipway::db::detail
