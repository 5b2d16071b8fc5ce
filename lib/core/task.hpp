// A lazy coroutine: nothing runs until it is awaited, and it resumes whoever awaits it by symmetric transfer.
// A task belongs to one shard and is neither copied nor shared. A task that finishes without suspending never
// touches the event loop.
//
//   task<result<user>> find(id_of<user> id) {
//     auto row = co_await ok(rows_.find(id));   // the value, or return its fault from here
//     co_return row;
//   }
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/core/fault.hpp>
#include <slipway/core/frame_pool.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace slipway {

template <class T = void>
class task;

namespace detail {

struct promise_base {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  context* operation = nullptr;
  // Set by `co_await ok(...)`: decides at the end who goes on, the awaiting coroutine or, on a fault, its own
  // continuation.
  std::coroutine_handle<> (*leave)(promise_base&) noexcept = nullptr;
  std::exception_ptr error;

  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept { frame_pool::release(memory, bytes); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::coroutine_handle<> finish() noexcept { return leave != nullptr ? leave(*this) : continuation; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().finish();
    }
    void await_resume() const noexcept {}
  };
  final_awaiter final_suspend() const noexcept { return {}; }
};

template <class T>
struct result_type {
  using type = T;
};
template <class T>
struct result_type<result<T>> {
  using type = T;
};

}  // namespace detail

// The context of the coroutine that awaits this; null outside any operation.
struct this_context {};

// Awaited through `ok`: see the head of this file.
template <class T>
struct [[nodiscard]] ok_task {
  task<result<T>> inner;
};
template <class T>
struct [[nodiscard]] ok_value {
  result<T> inner;
};
template <class T>
ok_task<T> ok(task<result<T>> inner) {
  return {std::move(inner)};
}
template <class T>
ok_value<T> ok(result<T> inner) {
  return {std::move(inner)};
}

namespace detail {

template <class T>
struct task_promise;

template <class T>
struct promise_value : promise_base {
  std::optional<T> value;
  template <class U>
    requires std::constructible_from<T, U&&>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  // `co_return fault::not_found();` in a task<result<...>>.
  void return_value(fault&& f)
    requires(is_result<T>)
  {
    value.emplace(std::unexpect, std::move(f));
  }
  T& get() {
    if (error) [[unlikely]]
      std::rethrow_exception(error);
    return *value;
  }
  T take() { return std::move(get()); }
};

template <>
struct promise_value<void> : promise_base {
  void return_void() const noexcept {}
  void take() const {
    if (error) [[unlikely]]
      std::rethrow_exception(error);
  }
};

template <class T>
struct task_promise : promise_value<T> {
  task<T> get_return_object() noexcept;

  template <class Awaitable>
  Awaitable&& await_transform(Awaitable&& awaitable) const noexcept {
    return std::forward<Awaitable>(awaitable);
  }

  auto await_transform(this_context) const noexcept {
    struct ready {
      context* operation;
      bool await_ready() const noexcept { return true; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      context* await_resume() const noexcept { return operation; }  // NOLINT(*UndefReturn): the promise is made by then
    };
    return ready{this->operation};
  }

  template <class U>
  auto await_transform(ok_task<U>&& awaited) noexcept {
    static_assert(is_result<T>,
                  "co_await ok(...) returns the fault from here: this coroutine must return task<result<...>>");
    using inner_promise = task_promise<result<U>>;
    struct awaiter {
      task<result<U>> inner;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<task_promise> self) noexcept {
        auto& p = inner.handle().promise();
        p.continuation = self;
        p.operation = self.promise().operation;
        p.leave = [](promise_base& base) noexcept -> std::coroutine_handle<> {
          auto& done = static_cast<inner_promise&>(base);
          if (done.error || done.value->has_value()) [[likely]]
            return done.continuation;
          auto& outer = std::coroutine_handle<task_promise>::from_address(done.continuation.address()).promise();
          outer.value.emplace(std::unexpect, std::move(done.value->error()));
          return outer.finish();
        };
        return inner.handle();
      }
      U await_resume() {
        auto& p = inner.handle().promise();
        if (p.error) [[unlikely]]
          std::rethrow_exception(p.error);
        if constexpr (!std::is_void_v<U>) return std::move(**p.value);
      }
    };
    return awaiter{std::move(awaited.inner)};
  }

  template <class U>
  auto await_transform(ok_value<U>&& awaited) noexcept {
    static_assert(is_result<T>,
                  "co_await ok(...) returns the fault from here: this coroutine must return task<result<...>>");
    struct awaiter {
      result<U> inner;
      bool await_ready() const noexcept { return inner.has_value(); }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<task_promise> self) noexcept {
        self.promise().value.emplace(std::unexpect, std::move(inner.error()));
        return self.promise().finish();
      }
      U await_resume() {
        if constexpr (!std::is_void_v<U>) return std::move(*inner);
      }
    };
    return awaiter{std::move(awaited.inner)};
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using handle_type = std::coroutine_handle<promise_type>;

  explicit task(handle_type handle) noexcept : handle_{handle} {}
  task(task&& other) noexcept : handle_{std::exchange(other.handle_, {})} {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  auto operator co_await() && noexcept { return awaiter{handle_}; }
  // `auto& value = co_await work.in_place()`: what it gave is not moved, and stands as long as the task.
  auto in_place() & noexcept
    requires(!std::is_void_v<T>)
  {
    return in_place_awaiter{{handle_}};
  }

  handle_type handle() const noexcept { return handle_; }

 private:
  struct awaiter {
    handle_type inner;
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> outer) noexcept {
      auto& p = inner.promise();
      p.continuation = outer;
      p.operation = outer.promise().operation;
      return inner;
    }
    T await_resume() { return inner.promise().take(); }
  };
  struct in_place_awaiter : awaiter {
    auto& await_resume() { return this->inner.promise().get(); }
  };

  handle_type handle_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>{std::coroutine_handle<task_promise>::from_promise(*this)};
}

// The root of a chain of tasks that nobody awaits. It runs at once, frees itself at the end, and must not throw.
struct detached {
  struct promise_type {
    context* operation = nullptr;

    static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept { frame_pool::release(memory, bytes); }
    detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// Sets the context of the coroutine that awaits it, and so of every task that this one awaits from there on.
struct with_context {
  context* operation;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    self.promise().operation = operation;
    return false;
  }
  void await_resume() const noexcept {}
};

}  // namespace detail

// From here on, what the coroutine awaits is no longer cancelled with its operation: for the few steps that must be
// finished once begun (giving back what was claimed). Give them a bound of their own.
//
//   co_await uncancellable();
inline detail::with_context uncancellable() noexcept { return {nullptr}; }

// Runs a task from a place that cannot await: until its first suspension now, the rest when it is resumed.
// The context, if any, must outlive the task. An exception that leaves the task ends the process.
inline void start_detached(task<> work, context* operation = nullptr) {
  [](task<> inner, context* op) -> detail::detached {
    co_await detail::with_context{op};
    co_await std::move(inner);
  }(std::move(work), operation);
}

}  // namespace slipway
