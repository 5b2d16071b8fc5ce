// One command, or several that must not be parted, on its way. It lives in the frame of the coroutine that waits for
// it and is known to its connection until it is over.
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/redis/command.hpp>
#include <slipway/redis/reply.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <utility>

namespace slipway::redis {

struct request : context::hook {
  using clock = std::chrono::steady_clock;

  std::span<command const> parts;  // sent one behind the other; the answer is that to the last
  context* of = nullptr;           // may be null
  clock::time_point give_up = clock::time_point::max();
  std::coroutine_handle<> waiting;

  reply answer;
  std::string early_error;  // the first error among the answers to the parts before the last
  std::exception_ptr error;
  bool sent = false;  // the server may have got it

  // For whoever holds it.
  enum class place : std::uint8_t { nowhere, held, queued, flying };
  request* previous = nullptr;
  request* next = nullptr;
  void* owner = nullptr;
  std::uint64_t position = 0;
  place where = place::nowhere;

  std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (auto const& each : parts) sum += each.bytes();
    return sum;
  }
};

// The request is over: whoever waits for it goes on before this returns.
inline void complete(request& r) noexcept {
  context::drop(r);
  r.where = request::place::nowhere;
  r.waiting.resume();
}
inline void fail(request& r, std::exception_ptr why) noexcept {
  r.error = std::move(why);
  complete(r);
}

// Requests in the order of their arrival, linked through themselves.
class request_list {
 public:
  request_list() = default;
  request_list(request_list&& other) noexcept
      : first_{std::exchange(other.first_, nullptr)},
        last_{std::exchange(other.last_, nullptr)},
        size_{std::exchange(other.size_, 0)} {}
  request_list& operator=(request_list&&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  request* first() const noexcept { return first_; }
  void push(request& r) noexcept {
    r.next = nullptr;
    r.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &r;
    last_ = &r;
    ++size_;
  }
  void remove(request& r) noexcept {
    (r.previous != nullptr ? r.previous->next : first_) = r.next;
    (r.next != nullptr ? r.next->previous : last_) = r.previous;
    r.previous = r.next = nullptr;
    --size_;
  }
  request* pop() noexcept {
    auto* const r = first_;
    if (r != nullptr) remove(*r);
    return r;
  }

 private:
  request* first_ = nullptr;
  request* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace slipway::redis
