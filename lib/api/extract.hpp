// How each kind of parameter is taken from a request, and what it adds to the document. The work is done by
// functions over meta::type in extract.cpp; the templates only name the types.
#pragma once

#include <slipway/api/operation.hpp>
#include <slipway/api/parameters.hpp>
#include <slipway/core/fault.hpp>

#include <optional>

namespace slipway::api {

// One request on its way into a handler's parameters.
struct extraction {
  http::exchange& exchange;
  operation const& op;
  std::size_t next_path_parameter = 0;
};

namespace detail {

result<void> read_body(extraction& from, meta::type const& t, void* into);
// unsupported_media_type unless the body comes as it is.
result<void> refuse_content_coding(extraction& from);
result<void> read_path(extraction& from, meta::type const& t, void* into);
result<void> read_query(extraction& from, meta::type const& t, void* into);
std::string read_header(extraction& from, std::string_view name);
std::string read_cookie(extraction& from, std::string_view name);
result<if_match> read_if_match(extraction& from);
std::optional<if_match> find_if_match(extraction& from);
client read_client(extraction& from);

inline constexpr std::string_view example_of_etag = R"("\"3\"")";  // of etag_of(3), as JSON

void describe_path(operation& op, meta::type const& t);
// `initial` is a T as it is before anything is read: what an absent parameter stands for.
void describe_query(operation& op, meta::type const& t, void const* initial);

}  // namespace detail

// Specialised for every kind of parameter:
//   static result<...> take(extraction&);  // what is kept until the handler is done: `pass` makes the parameter of it
//   static void describe(operation&);
template <class A>
struct extractor;

template <class T>
struct extractor<body<T>> {
  static result<T> take(extraction& from) {
    result<T> out{std::in_place};
    if (auto read = detail::read_body(from, meta::describe<T>, &*out); !read) [[unlikely]]
      out = std::unexpected(std::move(read.error()));
    return out;
  }
  static void describe(operation& op) { op.body = &meta::describe<T>; }
};

template <class T>
struct extractor<path<T>> {
  static result<path<T>> take(extraction& from) {
    result<path<T>> out{std::in_place};
    if (auto read = detail::read_path(from, meta::describe<T>, &out->value); !read)
      out = std::unexpected(std::move(read.error()));
    return out;
  }
  static void describe(operation& op) { detail::describe_path(op, meta::describe<T>); }
};

template <class T>
struct extractor<query<T>> {
  static result<T> take(extraction& from) {
    result<T> out{std::in_place};
    if (auto read = detail::read_query(from, meta::describe<T>, &*out); !read) [[unlikely]]
      out = std::unexpected(std::move(read.error()));
    return out;
  }
  static void describe(operation& op) {
    T const initial{};
    detail::describe_query(op, meta::describe<T>, &initial);
  }
};

template <fixed_name Name>
struct extractor<header<Name>> {
  static result<header<Name>> take(extraction& from) { return header<Name>{detail::read_header(from, Name.view())}; }
  static void describe(operation& op) {
    op.parameters.push_back({std::string{Name.view()}, place::header, &meta::describe<std::string>, false, {}});
  }
};

template <fixed_name Name>
struct extractor<cookie<Name>> {
  static result<cookie<Name>> take(extraction& from) { return cookie<Name>{detail::read_cookie(from, Name.view())}; }
  static void describe(operation& op) {
    op.parameters.push_back({std::string{Name.view()}, place::cookie, &meta::describe<std::string>, false, {}});
  }
};

template <>
struct extractor<if_match> {
  static result<if_match> take(extraction& from) { return detail::read_if_match(from); }
  static void describe(operation& op) {
    op.parameters.push_back({"If-Match", place::header, &meta::describe<std::string>, true,
                             "The ETag of the version that this change is based on", nullptr, detail::example_of_etag});
    op.conditional = true;
  }
};

template <>
struct extractor<std::optional<if_match>> {
  static result<std::optional<if_match>> take(extraction& from) { return detail::find_if_match(from); }
  static void describe(operation& op) {
    op.parameters.push_back({"If-Match", place::header, &meta::describe<std::string>, false,
                             "Only if the version that this ETag names is still the present one", nullptr,
                             detail::example_of_etag});
  }
};

template <>
struct extractor<client> {
  static result<client> take(extraction& from) { return detail::read_client(from); }
  static void describe(operation&) {}
};

template <>
struct extractor<scope> {
  // The guard has let the request through: somebody is signed in. router.hpp refuses a handler that asks for a
  // scope on a route for everyone.
  static result<scope> take(extraction& from) {
    if (!from.exchange.who) return std::unexpected(fault::unauthenticated());
    return *from.exchange.who;
  }
  static void describe(operation&) {}
};

template <>
struct extractor<std::optional<scope>> {
  static result<std::optional<scope>> take(extraction& from) { return from.exchange.who; }
  static void describe(operation&) {}
};

template <>
struct extractor<http::exchange&> {
  static result<http::exchange*> take(extraction& from) { return &from.exchange; }
  static void describe(operation&) {}
};

// A parameter as it is handed to the handler.
template <class A>
struct passing {
  template <class Stored>
  static A&& pass(Stored& stored) {
    if constexpr (std::is_reference_v<A>)
      return **stored;
    else
      return std::move(*stored);
  }
};
template <class T>
struct passing<body<T>> {
  static body<T> pass(result<T>& stored) { return {*stored}; }
};
template <class T>
struct passing<query<T>> {
  static query<T> pass(result<T>& stored) { return {*stored}; }
};

}  // namespace slipway::api
