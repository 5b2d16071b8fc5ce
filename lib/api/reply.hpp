// How each kind of result becomes an answer, and what it adds to the document.
#pragma once

#include <slipway/api/operation.hpp>
#include <slipway/api/results.hpp>
#include <slipway/core/fault.hpp>
#include <slipway/core/page.hpp>
#include <slipway/core/task.hpp>
#include <slipway/http/router.hpp>

namespace slipway::api {

namespace detail {

void reply_json(http::exchange& x, operation const& op, int status, meta::type const& t, void const* value);
// Reads ?fields= of an operation that takes it: the first is kept for the answer. Nothing for one that does not.
result<void> take_fields(http::exchange& x, operation const& op, std::string_view names);
// The handler, unless the query's ?fields= is wrong: that is told before any work is done.
task<> with_fields(http::exchange& x, operation const& op, http::handler const& inner);
void reply_location(http::exchange& x, std::string_view where);
void reply_next_page(http::exchange& x, std::string_view cursor);
// Sets ETag; true when the client knows this version and 304 has been answered.
bool reply_etag(http::exchange& x, std::string_view etag);
void reply_cache_control(http::exchange& x, std::string_view value);
void reply_payload(http::exchange& x, payload&& c);
void reply_stream(http::exchange& x, stream&& s);
void reply_download(http::exchange& x, download&& d);
void reply_events(http::exchange& x, event_feed&& f);
void describe_answer(operation& op, int status, std::string_view description, meta::type const* body);

}  // namespace detail

// Specialised for every kind of result:
//   static void send(http::exchange&, operation const&, R&&);
//   static void describe(operation&);
template <class R>
struct replier;

template <class T>
concept json_answer = meta::described<T> && !is_result<T>;

template <json_answer T>
struct replier<T> {
  static_assert(!meta::holds_secret(meta::describe<T>), "a secret must not be in an answer");
  static void send(http::exchange& x, operation const& op, T&& value) {
    detail::reply_json(x, op, 200, meta::describe<T>, &value);
  }
  static void describe(operation& op) { detail::describe_answer(op, 200, "Done", &meta::describe<T>); }
};

template <json_answer T>
struct replier<page<T>> {
  static_assert(!meta::holds_secret(meta::describe<T>), "a secret must not be in an answer");
  static void send(http::exchange& x, operation const& op, page<T>&& value) {
    if (!value.next.empty()) detail::reply_next_page(x, value.next);
    detail::reply_json(x, op, 200, meta::describe<page<T>>, &value);
  }
  static void describe(operation& op) {
    detail::describe_answer(op, 200, "One page; `next` is the cursor of the one after it, empty on the last",
                            &meta::describe<page<T>>);
    op.is_page = true;
    op.answer_headers.push_back("Link");
  }
};

template <class T>
struct replier<created<T>> {
  static void send(http::exchange& x, operation const& op, created<T>&& r) {
    detail::reply_location(x, r.location);
    if constexpr (json_answer<T>) {
      detail::reply_json(x, op, 201, meta::describe<T>, &r.value);
    } else {
      replier<T>::send(x, op, std::move(r.value));
      x.response.status = 201;
    }
  }
  static void describe(operation& op) {
    replier<T>::describe(op);
    op.success = 201;
    op.success_description = "Created";
    op.answer_headers.push_back("Location");
  }
};

template <json_answer T>
struct replier<accepted<T>> {
  static void send(http::exchange& x, operation const& op, accepted<T>&& r) {
    if (!r.location.empty()) detail::reply_location(x, r.location);
    detail::reply_json(x, op, 202, meta::describe<T>, &r.value);
  }
  static void describe(operation& op) {
    detail::describe_answer(op, 202, "Accepted; the work goes on", &meta::describe<T>);
    op.answer_headers.push_back("Location");
  }
};

template <>
struct replier<no_content> {
  static void send(http::exchange& x, operation const&, no_content&&) { x.response.status = 204; }
  static void describe(operation& op) { detail::describe_answer(op, 204, "Done; nothing to say", nullptr); }
};

template <json_answer T>
struct replier<versioned<T>> {
  static void send(http::exchange& x, operation const& op, versioned<T>&& r) {
    if (detail::reply_etag(x, r.etag)) return;
    detail::reply_json(x, op, 200, meta::describe<T>, &r.value);
  }
  static void describe(operation& op) {
    detail::describe_answer(op, 200, "Done", &meta::describe<T>);
    op.answer_headers.push_back("ETag");
    op.conditional = true;
  }
};

template <json_answer T, int... Others>
struct replier<with_status<T, Others...>> {
  static void send(http::exchange& x, operation const& op, with_status<T, Others...>&& r) {
    detail::reply_json(x, op, r.status, meta::describe<T>, &r.value);
    if (!r.cache_control.empty()) detail::reply_cache_control(x, r.cache_control);
  }
  static void describe(operation& op) {
    detail::describe_answer(op, 200, "Done", &meta::describe<T>);
    op.other_statuses = {Others...};
  }
};

template <>
struct replier<payload> {
  static void send(http::exchange& x, operation const&, payload&& c) { detail::reply_payload(x, std::move(c)); }
  static void describe(operation& op) { detail::describe_answer(op, 200, "Done", nullptr); }
};

template <>
struct replier<stream> {
  static void send(http::exchange& x, operation const&, stream&& s) { detail::reply_stream(x, std::move(s)); }
  static void describe(operation& op) { detail::describe_answer(op, 200, "Done", nullptr); }
};

template <>
struct replier<download> {
  static void send(http::exchange& x, operation const&, download&& d) { detail::reply_download(x, std::move(d)); }
  static void describe(operation& op) {
    detail::describe_answer(op, 200, "The file", nullptr);
    op.answer_headers.push_back("Content-Disposition");
  }
};

template <>
struct replier<event_feed> {
  static void send(http::exchange& x, operation const&, event_feed&& f) { detail::reply_events(x, std::move(f)); }
  static void describe(operation& op) {
    detail::describe_answer(op, 200, "Server-sent events, without an end", nullptr);
    op.answer_media_type = "text/event-stream";
  }
};

}  // namespace slipway::api
