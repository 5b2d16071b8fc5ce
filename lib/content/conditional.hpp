// Conditional requests (RFC 9110, section 13) and entity tags (section 8.8.3).
#pragma once

#include <slipway/http/message.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

struct entity_tag {
  std::string_view opaque;  // with its quotes
  bool weak = false;

  // `"x"` or `W/"x"`; empty for anything else.
  static std::optional<entity_tag> parse(std::string_view text) noexcept;
};
bool strong_match(entity_tag a, entity_tag b) noexcept;
bool weak_match(entity_tag a, entity_tag b) noexcept;

// A strong tag from the bytes (BLAKE2b, 128 bits), 24 characters with its quotes. About a microsecond a kilobyte:
// where rows have a version, `version_etag` is cheaper.
std::string make_etag(std::string_view bytes);
std::string version_etag(std::uint64_t version);  // "\"v42\""

// What is known about the representation as it is now.
struct validators {
  std::string_view etag;  // as it is sent; empty: none
  std::optional<std::chrono::sys_seconds> last_modified;
  bool exists = true;  // for `If-Match: *` and `If-None-Match: *`
};

// As they came; null views when absent.
struct preconditions {
  std::string_view if_match, if_none_match, if_modified_since, if_unmodified_since;
  bool read = true;  // GET or HEAD

  static preconditions of(http::exchange& x);
  bool empty() const noexcept;
};

enum class verdict : std::uint8_t {
  proceed,
  not_modified,         // 304
  precondition_failed,  // 412
};

// In the order of section 13.2.2; If-Range belongs to ranges.hpp. A list that cannot be read fails If-Match; it fails
// If-None-Match as well where the request would change something. Dates that cannot be read are ignored.
verdict evaluate(preconditions const& p, validators const& now) noexcept;

// Sends the validators, and answers 304 or 412 (without a body) when that is the verdict: then false.
// The tag is copied; answer 412 with a body by overwriting it.
bool apply_conditions(http::exchange& x, validators const& now);

}  // namespace slipway::content
