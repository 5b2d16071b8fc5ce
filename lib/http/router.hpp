// Which request goes to which handler. A table that is built once, frozen before the first accept, and read by
// every shard.
#pragma once

#include <slipway/http/message.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::http {

using handler = std::function<task<>(exchange&)>;

// A layer around handlers, as a pair of plain calls: most layers never wait, and then cost a call each.
class middleware {
 public:
  virtual ~middleware() = default;
  // False: the response is complete, nothing further in runs. `after` is called for every layer whose `before` was.
  virtual bool before(exchange&) { return true; }
  virtual void after(exchange&) {}
  // Whether it also sees heads that could not be read: nothing of the request is known then but its peer, no method, no
  // path, no fields. Of those that say so, the ones that no other stands before are called.
  virtual bool sees_unreadable() const noexcept { return false; }
};

// A layer that must wait (idempotency, a session in a database). It wraps the handler of the routes that name it.
class waiting_layer {
 public:
  virtual ~waiting_layer() = default;
  virtual task<> around(exchange& x, handler const& next) = 0;
};

struct route {
  method verb{};
  std::string pattern;  // "/v1/notes/{id}", "/files/{*path}": {name} is one segment, {*name} the rest
  handler handle;
  std::vector<waiting_layer*> layers;            // the first is outermost
  std::size_t body_limit = 1 << 20;              // bytes; more is 413
  bool streams_body = false;                     // the handler reads request.stream itself
  std::chrono::milliseconds time_limit{30'000};  // deadline of the whole request; zero: none (server-sent events)
  std::size_t index = 0;                         // its place in router::routes(): for per-route metrics
  std::shared_ptr<void const> about;             // what lib/api knows of it
};

class router {
 public:
  router();
  router(router&&) noexcept;
  router& operator=(router&&) noexcept;
  ~router();

  // Throws std::invalid_argument for a malformed pattern, a parameter named twice, and a route that is there already.
  route& add(route r);

  struct match {
    route const* found = nullptr;
    // When nothing was found: what the path would take, as the value of Allow ("GET, HEAD, OPTIONS"); empty when the
    // path is unknown.
    std::string_view allow;
  };
  // Fills the request's path parameters (decoded into `memory`). GET routes answer HEAD too. A segment that is not
  // valid percent-encoding, or decodes to a NUL, matches nothing.
  match find(request& r, arena& memory) const;

  std::span<std::unique_ptr<route> const> routes() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace slipway::http
