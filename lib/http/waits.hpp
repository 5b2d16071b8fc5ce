// The awaiters of a connection: one for its socket, one that an operation's cancellation ends too, one for handlers.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/http/connection.hpp>

namespace slipway::http {

struct connection::socket_wait {
  connection& of;
  wait what;

  bool await_ready() const noexcept { return of.verdict_ != verdict::none; }
  void await_suspend(std::coroutine_handle<> self) const { of.wait_for(what, self); }
  void await_resume() const noexcept { of.resumed(); }
};

// For what a handler awaits. A cancellation ends the wait through the poller, so nobody is resumed twice.
struct connection::body_wait : context::hook {
  connection& of;
  wait what;
  context* operation = nullptr;

  body_wait(connection& c, wait w) noexcept : of{c}, what{w} {}
  body_wait(body_wait const&) = delete;
  body_wait& operator=(body_wait const&) = delete;
  ~body_wait() { context::drop(*this); }

  bool await_ready() const noexcept { return of.verdict_ != verdict::none; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    operation = self.promise().operation;
    if (operation != nullptr) {
      if (operation->cancelled() != cancel_reason::none) return false;
      this->fire = [](context::hook& h, cancel_reason) { static_cast<body_wait&>(h).of.end_wait(); };
      operation->add(*this);
    }
    of.awaits_body_ = true;
    of.home_.enter(of, phase::body);
    of.wait_for(what, self);
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
