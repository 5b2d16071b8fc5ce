// Awaits one asynchronous operation of Asio from a task. It goes on when the operation has ended and at no other
// time: to cancel it, cancel what it works on. For .cpp files and internal headers: it brings Asio along.
#pragma once

#include <boost/system/error_code.hpp>

#include <coroutine>
#include <utility>

namespace slipway::db::detail {

// `start` is called with a handler for (error_code, Value) or, where Value is left out, (error_code, ...).
template <class Start>
class asio_call {
 public:
  explicit asio_call(Start start) : start_{std::move(start)} {}
  asio_call(asio_call const&) = delete;
  asio_call& operator=(asio_call const&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    waiting_ = self;
    start_([this](boost::system::error_code error, auto&&...) {
      error_ = error;
      waiting_.resume();
    });
  }
  boost::system::error_code await_resume() const noexcept { return error_; }

 private:
  Start start_;
  std::coroutine_handle<> waiting_;
  boost::system::error_code error_;
};

// The same for an operation that ends with a value: the pair of both.
template <class Value, class Start>
class asio_value_call {
 public:
  explicit asio_value_call(Start start) : start_{std::move(start)} {}
  asio_value_call(asio_value_call const&) = delete;
  asio_value_call& operator=(asio_value_call const&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    waiting_ = self;
    start_([this](boost::system::error_code error, Value value) {
      out_ = {error, std::move(value)};
      waiting_.resume();
    });
  }
  std::pair<boost::system::error_code, Value> await_resume() { return std::move(out_); }

 private:
  Start start_;
  std::coroutine_handle<> waiting_;
  std::pair<boost::system::error_code, Value> out_;
};
template <class Value, class Start>
asio_value_call<Value, Start> call_for(Start start) {
  return asio_value_call<Value, Start>{std::move(start)};
}

}  // namespace slipway::db::detail
