// One coroutine waits for one event of its own shard. The building stone of every operation that suspends: it
// honours the cancellation of the operation's context.
//
//   one_shot done;
//   start_something([&] { done.fire(); });
//   co_await done;                       // throws cancelled_error when the context was cancelled first
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/core/errors.hpp>

#include <coroutine>
#include <utility>

namespace slipway {

class one_shot : context::hook {
 public:
  one_shot() = default;
  one_shot(one_shot const&) = delete;
  one_shot& operator=(one_shot const&) = delete;
  ~one_shot() { context::drop(*this); }

  // Resumes the coroutine that waits, before `fire` returns; or lets a later await go on at once. May be called
  // from inside the waiting coroutine's own call chain only after it has suspended.
  void fire() noexcept {
    fired_ = true;
    context::drop(*this);
    if (auto waiting = std::exchange(waiting_, {})) waiting.resume();
  }
  bool fired() const noexcept { return fired_; }

  bool await_ready() const noexcept { return fired_; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    return suspend(self, self.promise().operation);
  }
  void await_resume() const {
    if (cancelled_ != cancel_reason::none) throw cancelled_error{cancelled_};
  }

 private:
  bool suspend(std::coroutine_handle<> self, context* operation) noexcept {
    if (operation != nullptr) {
      if (operation->cancelled() != cancel_reason::none) {
        cancelled_ = operation->cancelled();
        return false;
      }
      this->context::hook::fire = [](context::hook& h, cancel_reason why) {
        auto& me = static_cast<one_shot&>(h);
        me.cancelled_ = why;
        if (auto waiting = std::exchange(me.waiting_, {})) waiting.resume();
      };
      operation->add(*this);
    }
    waiting_ = self;
    return true;
  }

  std::coroutine_handle<> waiting_;
  bool fired_ = false;
  cancel_reason cancelled_ = cancel_reason::none;
};

}  // namespace slipway
