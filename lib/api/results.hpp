// What a handler can return besides a described struct (200) and a page<T> (200 with a Link to the next page).
#pragma once

#include <slipway/http/message.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace slipway {

// 201 with Location.
template <class T>
struct created {
  T value;
  std::string location;

  created(T v, std::string where) : value{std::move(v)}, location{std::move(where)} {}
};

// 202: the work goes on after the answer; `location` is where to ask about it.
template <class T>
struct accepted {
  T value;
  std::string location;
};

// 204.
struct no_content {};

// A value with the version that If-Match and If-None-Match speak of: sends ETag, and 304 to a GET that knows it.
template <class T>
struct versioned {
  T value;
  std::string etag;  // strong, with its quotes: see `etag_of`

  versioned(T v, std::string tag) : value{std::move(v)}, etag{std::move(tag)} {}
};
std::string etag_of(std::int64_t version);

// A value whose status says what it means: 200, or one of `Others`. The body has the same form with each.
template <class T, int... Others>
struct with_status {
  int status;
  T value;
  std::string cache_control{};
};

// A body that is not JSON.
struct payload {
  std::string media_type;
  std::string bytes;
  std::string cache_control{};
  int status = 200;
};

// A body that comes in pieces; flat memory however long it is.
struct stream {
  std::string media_type;
  std::unique_ptr<http::body_source> source;
  std::optional<std::uint64_t> length{};
};

// A file for the client to keep, made while the client reads it.
struct download {
  std::string media_type;
  std::string file_name;
  std::unique_ptr<http::body_source> source;
};

// Server-sent events: see lib/content/event_stream.hpp. Its route has no time limit.
struct event_feed {
  std::unique_ptr<http::body_source> source;
};

// The location of something new: location("/v1/users/{}", user.id).
template <class... Args>
std::string location(fmt::format_string<Args...> pattern, Args&&... args) {
  return fmt::format(pattern, std::forward<Args>(args)...);
}

}  // namespace slipway

// Ids in locations and messages: "{}".
template <>
struct fmt::formatter<slipway::uuid> {
  constexpr auto parse(fmt::format_parse_context& in) { return in.begin(); }
  auto format(slipway::uuid const& id, fmt::format_context& out) const {
    char text[slipway::uuid::text_size];
    id.write(text);
    return std::copy_n(text, sizeof text, out.out());
  }
};
template <class T>
struct fmt::formatter<slipway::id_of<T>> : fmt::formatter<slipway::uuid> {
  auto format(slipway::id_of<T> const& id, fmt::format_context& out) const {
    return fmt::formatter<slipway::uuid>::format(id.value, out);
  }
};
