#include <slipway/runtime/blocking_pool.hpp>

#include <pthread.h>

#include <system_error>

namespace slipway {

blocking_pool::blocking_pool(std::string name, limits bounds) : name_{std::move(name)}, bounds_{bounds} {
  try {
    for (unsigned i = 0; i < bounds_.threads; ++i)
      threads_.emplace_back([this] {
        ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
        work();
      });
  } catch (std::system_error const& error) {
    stop();  // those that have begun wait for work, and would be waited for
    throw startup_error{exit_code::os, "cannot start the threads of the pool '" + name_ + "': " + error.what() +
                                           ". Raise the limit on threads (ulimit -u, TasksMax), or let the pool have "
                                           "fewer of them."};
  }
}

blocking_pool::~blocking_pool() { stop(); }

void blocking_pool::stop() noexcept {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  ready_.notify_all();
  threads_.clear();
}

blocking_pool::usage blocking_pool::use() const {
  std::lock_guard lock{mutex_};
  return use_;
}

void blocking_pool::submit(job& j) {
  {
    std::lock_guard lock{mutex_};
    if (use_.queued >= bounds_.queue || stopping_) {
      ++use_.refused;
      throw unavailable_error{"the pool '" + name_ + "' is full"};
    }
    ++use_.queued;
    (last_ != nullptr ? last_->next : first_) = &j;
    last_ = &j;
  }
  ready_.notify_one();
}

void blocking_pool::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    ready_.wait(lock, [this] { return first_ != nullptr || stopping_; });
    if (first_ == nullptr) return;
    auto& j = *first_;
    first_ = j.next;
    if (first_ == nullptr) last_ = nullptr;
    --use_.queued;
    ++use_.running;
    lock.unlock();
    j.call(j);
    auto* home = j.home;
    auto waiting = j.waiting;
    lock.lock();
    --use_.running;
    ++use_.done;
    lock.unlock();
    home->post([waiting] { waiting.resume(); });
    lock.lock();
  }
}

}  // namespace slipway
