// An exchange without a server, and tasks without a loop.
#pragma once

#include <slipway/http/message.hpp>

#include <exception>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::content {

struct call {
  http::exchange x;
  std::vector<http::field> fields;

  explicit call(http::method verb = http::method::get, std::initializer_list<http::field> list = {}) : fields{list} {
    x.request.verb = verb;
    x.request.path = x.request.target = "/";
    x.request.fields = fields;
  }
  // All lines of that name, joined by " | ".
  std::string sent(std::string_view name) const {
    std::string out;
    auto const add = [&](std::string_view value) { out += (out.empty() ? "" : " | ") + std::string{value}; };
    for (std::size_t i = 0; i < x.response.field_count; ++i) {
      auto const& f = x.response.field_storage[i];
      if (!f.name.empty()) {
        if (http::equal_names(f.name, name)) add(f.value);
        continue;
      }
      for (auto rest = f.value; !rest.empty(); rest.remove_prefix(rest.find("\r\n") + 2)) {
        auto const line = rest.substr(0, rest.find("\r\n"));
        if (http::equal_names(line.substr(0, line.find(':')), name)) add(line.substr(line.find(':') + 2));
      }
    }
    return out;
  }
};

// Runs a task that never has to wait.
template <class T>
T now(task<T> work) {
  std::exception_ptr error;
  if constexpr (std::is_void_v<T>) {
    bool done = false;
    start_detached([](task<> inner, bool& d, std::exception_ptr& e) -> task<> {
      try {
        co_await std::move(inner);
      } catch (...) {
        e = std::current_exception();
      }
      d = true;
    }(std::move(work), done, error));
    if (error) std::rethrow_exception(error);
    if (!done) throw std::logic_error{"the task waits"};
  } else {
    std::optional<T> value;
    start_detached([](task<T> inner, std::optional<T>& v, std::exception_ptr& e) -> task<> {
      try {
        v.emplace(co_await std::move(inner));
      } catch (...) {
        e = std::current_exception();
      }
    }(std::move(work), value, error));
    if (error) std::rethrow_exception(error);
    if (!value) throw std::logic_error{"the task waits"};
    return std::move(*value);
  }
}

inline task<std::string> drain(http::body_source& source) {
  std::string out;
  for (auto piece = co_await source.next(); !piece.empty(); piece = co_await source.next()) out += piece;
  co_return out;
}

// What the server would send as the body of a GET.
inline std::string body_of(http::exchange& x) {
  if (!x.response.stream) return std::string{x.response.body};
  auto out = now(drain(*x.response.stream));
  if (x.response.stream_length && *x.response.stream_length != out.size())
    throw std::logic_error{"the length that was promised is not the length that was sent"};
  return out;
}

// The pieces given, one after the other.
class scripted_body final : public http::body_source {
 public:
  explicit scripted_body(std::vector<std::string> pieces) : pieces_{std::move(pieces)} {}
  task<std::string_view> next() override {
    if (at_ == pieces_.size()) co_return std::string_view{};
    // A piece of its own on the heap, gone at the next call: whoever keeps a view is caught by the sanitizer.
    current_ = std::make_unique<std::string>(pieces_[at_++] + std::string(32, '#'));
    co_return std::string_view{*current_}.substr(0, current_->size() - 32);
  }

 private:
  std::vector<std::string> pieces_;
  std::size_t at_ = 0;
  std::unique_ptr<std::string> current_;
};

}  // namespace slipway::content
