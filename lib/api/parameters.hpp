// What a handler can ask for in its signature. The type says where a value comes from; extraction, validation and
// the document follow from it.
//
//   task<result<created<note_view>>> create(scope who, body<new_note> in);
//   task<result<note_view>>          update(scope who, path<id_of<note>> id, if_match seen, body<note_change> in);
//
// Also: `http::exchange&` for the raw request, `scope` for who is asking, `std::optional<scope>` where signing in
// is optional.
#pragma once

#include <slipway/http/message.hpp>
#include <slipway/meta/description.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway {

// A JSON body as a described struct, read and validated: 400 malformed_json, 415, 422 with every wrong field.
//
// The value stands beside the handler until the handler has answered, so that handing it over copies nothing; a
// handler moves out of it what it wants to keep.
template <class T>
struct body {
  T& value;
  T* operator->() noexcept { return &value; }
  T& operator*() noexcept { return value; }
};

// The next parameter of the path's pattern. One that is not in T's form names nothing: 404.
template <class T>
struct path {
  T value;
  operator T const&() const noexcept { return value; }
  T const* operator->() const noexcept { return &value; }
};

// The query string as a described struct: every member is a parameter, lists take repeated ones. Unknown
// parameters and broken rules are 422, all at once. It stands where a body stands.
template <class T>
struct query {
  T& value;
  T* operator->() noexcept { return &value; }
  T& operator*() noexcept { return value; }
};

// A name as a template argument: header<"User-Agent">.
template <std::size_t N>
struct fixed_name {
  char text[N]{};
  consteval fixed_name(char const (&literal)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
  constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

// A header; empty when absent. Several lines of it are one list, with a comma between them (RFC 9110, section 5.3).
template <fixed_name Name>
struct header {
  std::string value;
};

// A cookie; empty when absent.
template <fixed_name Name>
struct cookie {
  std::string value;
};

// The If-Match header (RFC 9110, section 13.1.1). Absent: 428, so that nobody overwrites what he has not seen. Where the
// condition is the client's to make, a handler takes std::optional<if_match>: empty when the header is absent.
struct if_match {
  std::string value;  // "*" or a list of entity tags; several lines of the header are one list

  // Whether `etag` (a strong tag, with its quotes) is among those that the client has seen. A list that cannot be read
  // matches nothing.
  bool matches(std::string_view etag) const;
  // "*": whichever version there is.
  bool any() const noexcept;
};

// Where a request comes from, for audit and throttling.
struct client {
  std::string address;
  std::string user_agent;  // at most 256 bytes of it
  std::string network;     // what to count by, not to read: the address, or of an IPv6 address its /64
};

}  // namespace slipway
