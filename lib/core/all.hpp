// Tasks side by side: they begin in their order, and the coroutine goes on when the last of them has ended. What does
// not need another's answer need not wait for it either, and several questions of one request travel to the database
// together.
//
//   auto [author, books] = co_await ok(all(authors_.find(id), books_.of(id)));
//
// It gives a tuple of what the tasks give (std::monostate for void), or a vector for a vector of tasks. Where any of
// them gives a result<T>, it gives a result of their values, or the first fault. An exception goes before that; of
// several, the one of the first task in order is thrown. All have ended by then, so nothing is left behind that uses
// the caller's variables; the others are not cancelled for the error of one. They run under the caller's context: its
// deadline and its cancellation reach each of them.
//
// Side by side is not at the same time: the tasks belong to one shard, and take turns where they wait. There is no
// bound on their number; ask for a long list in parts.
#pragma once

#include <slipway/core/task.hpp>

#include <cstddef>
#include <tuple>
#include <variant>
#include <vector>

namespace slipway {
namespace detail {

// What every task of a group resumes as it ends; the last one sends whoever waits on its way. One coroutine for all of
// them, so that nothing can fail once the first has begun.
class finish_line {
 public:
  struct promise_type {
    std::size_t left = 1;  // one for the start, which may end the tasks at once
    std::coroutine_handle<> waiting;

    static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept { frame_pool::release(memory, bytes); }
    finish_line get_return_object() noexcept {
      return finish_line{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}
  };

  static finish_line draw() {
    for (;;) co_await next{};
  }

  explicit finish_line(std::coroutine_handle<promise_type> handle) noexcept : handle_{handle} {}
  finish_line(finish_line const&) = delete;
  finish_line& operator=(finish_line const&) = delete;
  ~finish_line() { handle_.destroy(); }

  // `start` begins one task with this continuation and context. True: some have not ended.
  template <class Tasks, class Each>
  bool start(Tasks& tasks, Each each, std::coroutine_handle<> waiting, context* operation) noexcept {
    auto& line = handle_.promise();
    line.waiting = waiting;
    auto* const span = operation != nullptr ? operation->span : nullptr;
    each(tasks, [&](auto& one) {
      ++line.left;
      auto& p = one.handle().promise();
      p.continuation = handle_;
      p.operation = operation;
      one.handle().resume();
      if (operation != nullptr) operation->span = span;  // the next is no part of what this one has begun
    });
    return --line.left != 0;
  }

 private:
  struct next {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
      auto& line = self.promise();
      return --line.left == 0 ? line.waiting : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::coroutine_handle<promise_type> handle_;
};

// Awaited: every task of a tuple or vector has ended. It cannot be cancelled, the tasks are.
template <class Tasks, class Each>
struct all_ended {
  Tasks& tasks;
  Each each;
  finish_line line = finish_line::draw();

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    return line.start(tasks, each, self, self.promise().operation);
  }
  void await_resume() const noexcept {}
};
template <class Tasks, class Each>
all_ended(Tasks&, Each) -> all_ended<Tasks, Each>;

template <class T>
using value_or_monostate = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

// What it gave, or its exception.
template <class T>
value_or_monostate<T> taken(task<T>& ended) {
  if constexpr (std::is_void_v<T>) {
    ended.handle().promise().take();
    return {};
  } else {
    return ended.handle().promise().take();
  }
}

template <class T>
using value_in = value_or_monostate<typename result_type<T>::type>;

template <class T>
void look_for_fault(T& given, fault*& first) noexcept {
  if constexpr (is_result<T>)
    if (!given && first == nullptr) first = &given.error();
}

template <class T>
value_in<T> without_result(T& given) {
  if constexpr (!is_result<T>)
    return std::move(given);
  else if constexpr (!std::is_void_v<typename result_type<T>::type>)
    return std::move(*given);
  else
    return {};
}

template <bool has_results, class Values>
using all_given = std::conditional_t<has_results, result<Values>, Values>;

}  // namespace detail

template <class... T>
  requires(sizeof...(T) > 0)
task<detail::all_given<(is_result<T> || ...), std::tuple<detail::value_in<T>...>>> all(task<T>... tasks) {
  auto group = std::tie(tasks...);
  auto const each = [](auto& of, auto begin) { std::apply([&](auto&... one) { (begin(one), ...); }, of); };
  co_await detail::all_ended{group, each};
  std::tuple<detail::value_or_monostate<T>...> given{detail::taken(tasks)...};
  fault* first = nullptr;
  std::apply([&](auto&... one) { (detail::look_for_fault(one, first), ...); }, given);
  if constexpr ((is_result<T> || ...))
    if (first != nullptr) co_return std::move(*first);
  co_return std::apply([](auto&... one) { return std::tuple<detail::value_in<T>...>{detail::without_result(one)...}; },
                       given);
}

template <class T>
task<detail::all_given<is_result<T>, std::vector<detail::value_in<T>>>> all(std::vector<task<T>> tasks) {
  auto const each = [](auto& of, auto begin) {
    for (auto& one : of) begin(one);
  };
  co_await detail::all_ended{tasks, each};
  std::vector<detail::value_or_monostate<T>> given;
  given.reserve(tasks.size());
  for (auto& one : tasks) given.push_back(detail::taken(one));
  if constexpr (is_result<T>) {
    fault* first = nullptr;
    for (auto& one : given) detail::look_for_fault(one, first);
    if (first != nullptr) co_return std::move(*first);
    std::vector<detail::value_in<T>> values;
    values.reserve(given.size());
    for (auto& one : given) values.push_back(detail::without_result(one));
    co_return std::move(values);
  } else {
    co_return std::move(given);
  }
}

}  // namespace slipway
