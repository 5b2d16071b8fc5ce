// The typed routing table: a handler's signature says what it takes and gives, and a line says the path, who may
// call it and what it is for.
//
//   r.post("/v1/users",      c, &controllers::users::create, {.summary = "Sign up", .access = everyone, .limit = 5_per_minute, .faults = {conflict("email_taken")}});
//   r.get ("/v1/users/{id}", c, &controllers::users::show,   {.summary = "Show a user", .access = needs(permission::users_read), .faults = {not_found}});
#pragma once

#include <slipway/api/problem.hpp>
#include <slipway/api/reply.hpp>
#include <slipway/api/taken.hpp>
#include <slipway/core/task.hpp>
#include <slipway/http/router.hpp>
#include <slipway/trace/span.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slipway::api {

// The line of the table.
struct route_options {
  std::string_view summary{};
  std::string_view description{};
  api::access access{};  // must be said
  rate limit{};
  bool unlimited = false;  // not even by the server's own limit: for probes, which must not fail because others ask
  std::vector<documented_fault> faults{};
  std::string_view name{};  // operationId; from the method and the path when empty
  std::string_view tag{};
  std::size_t body_limit = 1 << 20;  // bytes
  std::chrono::milliseconds time_limit{30'000};
  bool idempotency_key = false;  // takes Idempotency-Key
  bool sparse = false;           // takes ?fields=id,title
  bool hidden = false;           // not in the document
  bool conditional = false;      // a raw handler that sends an ETag and knows If-None-Match
  bool streams_body = false;
  std::string_view answer_media_type = "application/json";
  std::vector<std::string_view> other_media_types{};  // that it answers with as well
  std::chrono::sys_days deprecated_since{};
  std::chrono::sys_days sunset{};
  std::string_view successor{};
  // Of headers, cookies and path parameters whose type does not say it, as JSON text: {"X-Color", R"("red")"}.
  std::vector<std::pair<std::string_view, std::string_view>> examples{};
};

class router {
 public:
  // `idempotency`, if any, serves the routes that ask for it; it must outlive the router.
  explicit router(http::waiting_layer* idempotency = nullptr) : idempotency_{idempotency} {}

  // Throws std::logic_error, with the route in the text, for a line that cannot be meant: no word on access, a
  // handler that wants a scope on a route for everyone, more or fewer path parameters than the pattern has, an
  // operation named twice, an example of a parameter that it does not take.
  template <class C, class R, class... A>
  void get(std::string_view pattern, C& c, task<result<R>> (C::*handler)(A...), route_options const& o) {
    add(http::method::get, pattern, c, handler, o);
  }
  template <class C, class R, class... A>
  void post(std::string_view pattern, C& c, task<result<R>> (C::*handler)(A...), route_options const& o) {
    add(http::method::post, pattern, c, handler, o);
  }
  template <class C, class R, class... A>
  void put(std::string_view pattern, C& c, task<result<R>> (C::*handler)(A...), route_options const& o) {
    add(http::method::put, pattern, c, handler, o);
  }
  template <class C, class R, class... A>
  void patch(std::string_view pattern, C& c, task<result<R>> (C::*handler)(A...), route_options const& o) {
    add(http::method::patch, pattern, c, handler, o);
  }
  template <class C, class R, class... A>
  void del(std::string_view pattern, C& c, task<result<R>> (C::*handler)(A...), route_options const& o) {
    add(http::method::delete_, pattern, c, handler, o);
  }

  // A handler of the HTTP core itself, for what no signature describes (static files, event streams).
  void raw(http::method verb, std::string_view pattern, http::handler handle, route_options const& o);

  http::router& table() noexcept { return table_; }
  std::vector<std::shared_ptr<operation const>> const& operations() const noexcept { return operations_; }

 private:
  template <class C, class R, class... A>
  void add(http::method verb, std::string_view pattern, C& c, task<result<R>> (C::*handler)(A...),
           route_options const& o) {
    auto op = begin(verb, pattern, o);
    (extractor<A>::describe(*op), ...);
    replier<R>::describe(*op);
    constexpr bool wants_scope = (std::is_same_v<A, scope> || ...);
    std::shared_ptr<operation const> about = op;
    finish(std::move(op), o, wants_scope,
           [&c, handler, about = about.get()](http::exchange& x) { return call(x, *about, c, handler); });
  }

  template <class C, class R, class... A>
  static task<> call(http::exchange& x, operation const& op, C& c, task<result<R>> (C::*handler)(A...)) {
    scoped_span const handling{&x.operation, span_kind::internal, op.name};
    extraction from{x, op};
    detail::taken<A...> parts{from};
    if (auto* const wrong = parts.wrong()) [[unlikely]] {
      write_problem(x, *wrong);
      co_return;
    }
    auto work = parts.hand_to(c, handler);
    auto& outcome = co_await work.in_place();
    if (outcome) [[likely]]
      replier<R>::send(x, op, std::move(*outcome));
    else
      write_problem(x, outcome.error());
  }

  std::shared_ptr<operation> begin(http::method verb, std::string_view pattern, route_options const& o);
  void finish(std::shared_ptr<operation> op, route_options const& o, bool wants_scope, http::handler handle);

  http::waiting_layer* idempotency_;
  http::router table_;
  std::vector<std::shared_ptr<operation const>> operations_;
};

}  // namespace slipway::api
