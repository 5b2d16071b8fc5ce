// A server for the tests, with a handler for every way of behaving.
#pragma once

#include "client.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/http/server.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

namespace slipway::http::tests {

// A value that one thread sets and another waits for.
template <class T>
class watched {
 public:
  void set(T value) {
    std::lock_guard lock{mutex_};
    value_ = value;
    changed_.notify_all();
  }
  bool becomes(T wanted) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return value_ == wanted; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

// Deterministic bytes, as many as wanted.
inline std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 7 + i / 251) % 251);
  return out;
}

class counting_layer final : public middleware {
 public:
  bool before(exchange& x) override {
    ++befores;
    if (x.request.header("X-Stop").data() == nullptr) return true;
    x.answer(403, "text/plain", "stopped");
    return false;
  }
  void after(exchange& x) override {
    ++afters;
    x.response.add("X-Layer", "yes");
  }
  std::atomic<int> befores{0}, afters{0};
};

// A layer that looks at heads that could not be read, and may fail at them.
class watching_layer final : public middleware {
 public:
  explicit watching_layer(bool fails = false) : fails_{fails} {}
  bool sees_unreadable() const noexcept override { return true; }
  bool before(exchange& x) override {
    if (!x.request.method_text.empty()) return true;
    ++unreadable;
    if (fails_) throw std::runtime_error{"a layer fails"};
    return true;
  }
  void after(exchange& x) override { x.response.add("X-Watched", "yes"); }
  std::atomic<int> unreadable{0};

 private:
  bool fails_;
};

class wrapping_layer final : public waiting_layer {
 public:
  task<> around(exchange& x, handler const& next) override {
    co_await sleep_for(std::chrono::milliseconds{1});
    co_await next(x);
    x.response.add("X-Wrapped", "yes");
  }
};

// `size` bytes in pieces; fails after `fail_after` bytes.
class pattern_source final : public body_source {
 public:
  pattern_source(std::size_t size, std::size_t piece, std::size_t fail_after, std::atomic<std::size_t>& pulled)
      : all_{pattern(size)}, piece_{piece}, fail_after_{fail_after}, pulled_{pulled} {}
  task<std::string_view> next() override {
    if (at_ >= fail_after_) throw std::runtime_error{"the disk burns"};
    auto const out = std::string_view{all_}.substr(at_, piece_);
    at_ += out.size();
    pulled_ = at_;
    co_return out;
  }

 private:
  std::string all_;
  std::size_t piece_, fail_after_, at_ = 0;
  std::atomic<std::size_t>& pulled_;
};

class endless_source final : public body_source {
 public:
  explicit endless_source(watched<int>& state) : state_{state} {}
  task<std::string_view> next() override {
    if (std::exchange(begun_, true)) {
      state_.set(1);
      one_shot never;
      try {
        co_await never;
      } catch (cancelled_error const& error) {
        state_.set(error.why() == cancel_reason::client_gone ? 2 : 3);
        throw;
      }
    }
    co_return "event: hello\n\n";
  }

 private:
  watched<int>& state_;
  bool begun_ = false;
};

class service {
 public:
  struct options {
    server_settings settings{.drain_limit = std::chrono::milliseconds{1'000}};
    unsigned shards = 1;
    std::chrono::milliseconds time_limit{30'000};
    std::vector<middleware*> outer{};  // around the counting layer
  };

  service() : service{options{}} {}
  explicit service(options o) : all_{o.shards} {
    if (o.settings.listen == server_settings{}.listen) o.settings.listen = {"127.0.0.1:0"};
    auto const limit = o.time_limit;
    on("/plain", [](exchange& x) { return plain(x); });
    on("/n/{id}", [](exchange& x) { return parameter(x); });
    on("/peer", [](exchange& x) { return peer(x); });
    on("/large", [](exchange& x) { return large(x); });
    on("/throw", [](exchange&) -> task<> { throw std::runtime_error{"boom"}; });
    on("/none", [](exchange& x) { return none(x); });
    on("/wait", [this](exchange& x) { return wait(*this, x); }, limit);
    on("/pause", [](exchange& x) { return pause(x); }, limit);
    on("/counted", [this](exchange& x) { return download(*this, x, true); });
    on("/chunked", [this](exchange& x) { return download(*this, x, false); });
    on("/open-ended", [this](exchange& x) {
      x.response.open_ended = true;
      return download(*this, x, false);
    });
    on("/broken", [this](exchange& x) { return broken(*this, x); });
    on("/events", [this](exchange& x) { return events(*this, x); }, std::chrono::milliseconds{0});
    on("/nap", [](exchange& x) { return nap(x); });
    table_.add({.verb = method::get, .pattern = "/wrapped", .handle = plain, .layers = {&wrapper}});
    table_.add({.verb = method::post, .pattern = "/echo", .handle = echo, .body_limit = 1 << 20, .time_limit = limit});
    table_.add({.verb = method::post, .pattern = "/small", .handle = echo, .body_limit = 10});
    table_.add(
        {.verb = method::post, .pattern = "/ignore", .handle = ignore, .body_limit = 10 << 20, .streams_body = true});
    table_.add({.verb = method::post,
                .pattern = "/upload",
                .handle = [this](exchange& x) { return upload(*this, x); },
                .body_limit = 200 << 20,
                .streams_body = true,
                .time_limit = limit});
    o.outer.push_back(&layer);
    http = std::make_unique<server>(
        all_, o.settings,
        server::parts{table_, o.outer, error_page, [](exchange& x, std::exception_ptr e) { failed(x, e); },
                      [this](exchange const& x, std::exception_ptr e) { told(x, e); }});
    http->start();
  }
  ~service() { http.reset(); }

  std::string address(std::size_t i = 0) const { return http->addresses()[i]; }

  // What happens meanwhile, the first shard meets all at once.
  void hold_loop(std::function<void()> const& meanwhile) {
    auto const held = std::make_shared<std::promise<void>>(), go = std::make_shared<std::promise<void>>();
    all_[0].post([held, go] {
      held->set_value();
      go->get_future().wait();
    });
    held->get_future().wait();
    meanwhile();
    go->set_value();
  }

  counting_layer layer;
  wrapping_layer wrapper;
  watched<int> waiting;                  // 1: a handler waits; 2: its client went; 3: its deadline; 4: shutdown
  std::atomic<std::size_t> received{0};  // by /upload
  std::atomic<std::size_t> pulled{0};    // from the download's source
  watched<std::string> broken_stream;    // what the server told of one
  watched<bool> reading;                 // /upload reads on when true
  std::atomic<bool> hold_upload{false};
  std::unique_ptr<server> http;

 private:
  void on(std::string pattern, handler h, std::chrono::milliseconds limit = std::chrono::milliseconds{30'000}) {
    table_.add({.verb = method::get, .pattern = std::move(pattern), .handle = std::move(h), .time_limit = limit});
  }
  static void error_page(exchange& x) { x.answer(x.response.status, "text/plain", "error page"); }
  void told(exchange const& x, std::exception_ptr const& e) {
    try {
      std::rethrow_exception(e);
    } catch (std::exception const& error) {
      broken_stream.set(std::string{x.request.path} + ": " + error.what());
    }
  }
  static void failed(exchange& x, std::exception_ptr e) {
    try {
      std::rethrow_exception(e);
    } catch (body_error const& error) {
      x.answer(error.status(), "text/plain", "body");
    } catch (cancelled_error const& error) {
      x.answer(error.why() == cancel_reason::client_gone ? 499 : 503, "text/plain", "cancelled");
    } catch (std::exception const&) {
      x.answer(500, "text/plain", "exception");
    }
  }

  static task<> plain(exchange& x) {
    x.answer(200, "text/plain", "Hello, World!");
    co_return;
  }
  static task<> none(exchange& x) {
    x.response.status = 204;
    co_return;
  }
  static task<> parameter(exchange& x) {
    x.answer(200, "text/plain", x.request.parameters()[0]);
    co_return;
  }
  static task<> peer(exchange& x) {
    x.answer(200, "text/plain",
             x.copy(std::string{x.request.peer.address} + (x.request.peer.secure ? " https" : " http")));
    co_return;
  }
  static task<> large(exchange& x) {
    x.response.owned = pattern(3'000'000);
    x.answer(200, "application/octet-stream", x.response.owned);
    co_return;
  }
  static task<> echo(exchange& x) {
    x.answer(200, "application/octet-stream", x.request.body);
    co_return;
  }
  static task<> ignore(exchange& x) {
    x.answer(200, "text/plain", "ignored");
    co_return;
  }
  static task<> pause(exchange& x) {
    co_await sleep_for(std::chrono::milliseconds{400});
    x.answer(200, "text/plain", "paused");
  }
  static task<> nap(exchange& x) {
    co_await sleep_for(std::chrono::milliseconds{20});
    x.answer(200, "text/plain", "awake");
  }
  static task<> wait(service& s, exchange& x) {
    s.waiting.set(1);
    one_shot never;
    try {
      co_await never;
    } catch (cancelled_error const& error) {
      s.waiting.set(error.why() == cancel_reason::client_gone ? 2 : error.why() == cancel_reason::deadline ? 3 : 4);
      throw;
    }
    x.answer(200, "text/plain", "never");
  }
  static task<> upload(service& s, exchange& x) {
    std::size_t total = 0, wrong = 0;
    for (;;) {
      while (s.hold_upload) co_await sleep_for(std::chrono::milliseconds{5});
      auto const piece = co_await x.request.stream->next();
      if (piece.empty()) break;
      for (char c : piece) {
        if (c != static_cast<char>((total * 7 + total / 251) % 251)) ++wrong;
        ++total;
      }
      s.received = total;
    }
    x.answer(200, "text/plain", x.copy(std::to_string(total) + " " + std::to_string(wrong)));
  }
  static task<> download(service& s, exchange& x, bool counted) {
    constexpr std::size_t size = 20'000'000;
    x.response.content_type = "application/octet-stream";
    x.response.stream = std::make_unique<pattern_source>(size, 50'000, std::size_t(-1), s.pulled);
    if (counted) x.response.stream_length = size;
    co_return;
  }
  static task<> broken(service& s, exchange& x) {
    x.response.stream = std::make_unique<pattern_source>(100'000, 1'000, 50'000, s.pulled);
    co_return;
  }
  static task<> events(service& s, exchange& x) {
    x.response.content_type = "text/event-stream";
    x.response.stream = std::make_unique<endless_source>(s.waiting);
    co_return;
  }

  shards all_;
  router table_;
};

}  // namespace slipway::http::tests
