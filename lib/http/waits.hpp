// The awaiters of a connection: one for its socket, one that an operation's cancellation ends too, one for handlers.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/http/connection.hpp>

namespace slipway::http {

// What the reactor keeps of a wait lies in the connection itself: there is at most one at a time, and the memory is
// free again before the handler is called.
template <class T>
class wait_allocator {
 public:
  using value_type = T;
  explicit wait_allocator(wait_memory& memory) noexcept : memory_{&memory} {}
  template <class U>
  wait_allocator(wait_allocator<U> const& other) noexcept : memory_{other.memory()} {}

  T* allocate(std::size_t n) const {
    if (sizeof(T) * n <= sizeof(wait_memory) && !memory_->used) [[likely]] {
      memory_->used = true;
      return reinterpret_cast<T*>(memory_->bytes);
    }
    return static_cast<T*>(::operator new(sizeof(T) * n));
  }
  void deallocate(T* at, std::size_t) const noexcept {
    if (reinterpret_cast<std::byte*>(at) == memory_->bytes) [[likely]]
      memory_->used = false;
    else
      ::operator delete(at);
  }
  wait_memory* memory() const noexcept { return memory_; }
  friend bool operator==(wait_allocator const&, wait_allocator const&) noexcept = default;

 private:
  wait_memory* memory_;
};

struct resume_waiter {
  using allocator_type = wait_allocator<void>;
  std::coroutine_handle<> self;
  wait_memory* memory;
  allocator_type get_allocator() const noexcept { return allocator_type{*memory}; }
  void operator()(boost::system::error_code) const { self.resume(); }
};

struct connection::socket_wait {
  connection& of;
  wait::wait_type what;

  bool await_ready() const noexcept { return of.verdict_ != verdict::none; }
  void await_suspend(std::coroutine_handle<> self) const {
    of.socket_.async_wait(what, resume_waiter{self, &of.wait_memory_});
  }
  void await_resume() const noexcept { of.resumed(); }
};

// For what a handler awaits. A cancellation ends the wait through the reactor, so nobody is resumed twice.
struct connection::body_wait : context::hook {
  connection& of;
  wait::wait_type what;
  context* operation = nullptr;

  body_wait(connection& c, wait::wait_type w) noexcept : of{c}, what{w} {}
  body_wait(body_wait const&) = delete;
  body_wait& operator=(body_wait const&) = delete;
  ~body_wait() { context::drop(*this); }

  bool await_ready() const noexcept { return of.verdict_ != verdict::none; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    operation = self.promise().operation;
    if (operation != nullptr) {
      if (operation->cancelled() != cancel_reason::none) return false;
      this->fire = [](context::hook& h, cancel_reason) {
        auto& me = static_cast<body_wait&>(h);
        boost::system::error_code ignored;
        me.of.socket_.cancel(ignored);
      };
      operation->add(*this);
    }
    of.awaits_body_ = true;
    of.home_.enter(of, phase::body);
    of.socket_.async_wait(what, resume_waiter{self, &of.wait_memory_});
    return true;
  }
  void await_resume() {
    of.resumed();
    // From here on it is the handler that takes its time, not the client.
    if (std::exchange(of.awaits_body_, false)) of.home_.enter(of, phase::running);
    if (operation != nullptr && operation->cancelled() != cancel_reason::none)
      throw cancelled_error{operation->cancelled()};
  }
};

// Runs a task until its first suspension without touching the loop, and learns whether it suspended: only then does
// anything have to be written down.
struct connection::handler_run {
  connection& of;
  task<>::handle_type inner;

  bool await_ready() const {
    inner.promise().operation = &of.work_->x.operation;
    inner.resume();
    return inner.done();
  }
  void await_suspend(std::coroutine_handle<> self) const noexcept {
    inner.promise().continuation = self;
    of.suspended();
  }
  void await_resume() const { inner.promise().take(); }
};

}  // namespace slipway::http
