// The head of a request (RFC 9112, sections 2 to 6), parsed in place. Sans I/O: what it answers depends on the bytes
// alone, however they were cut on the way.
#pragma once

#include <slipway/http/message.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace slipway::http {

struct head_limits {
  std::size_t head = 16'384;  // bytes, with the empty line at the end
  std::size_t uri = 8'192;    // bytes of the request target
  std::size_t fields = 64;
};

enum class head_outcome : std::uint8_t {
  incomplete,  // more bytes are needed
  complete,
  malformed,              // 400
  uri_too_long,           // 414
  head_too_large,         // 431: in bytes or in fields
  not_implemented,        // 501: CONNECT, a method longer than any that is known, a transfer coding
  version_not_supported,  // 505
};
int status_of(head_outcome outcome) noexcept;  // 0 for the first two

// How the body of the request is delimited, and what the client asks of the connection.
struct framing {
  std::uint64_t content_length = 0;
  bool has_length = false;
  bool chunked = false;
  bool keep_alive = false;
  bool expects_continue = false;     // Expect: 100-continue
  bool unknown_expectation = false;  // any other: 417

  bool has_body() const noexcept { return chunked || content_length != 0; }
};

struct head_result {
  head_outcome outcome;
  std::size_t length;  // of the head, when complete
};

// Parses the head at the beginning of `input`. All views in `into` are into `input`, its fields are in `storage`, which
// holds at least `limits.fields`. After an outcome that is not `complete`, `into` holds what was understood so far.
//
// Strict where leniency lets two parties see different messages: no bare LF, no obs-fold, no space before a colon,
// no Content-Length beside Transfer-Encoding, none of either twice, one Host for HTTP/1.1. One empty line before
// the request line is passed over (section 2.2).
head_result parse_head(std::string_view input, head_limits const& limits, std::span<field> storage, request& into,
                       framing& how);

// For people, what is wrong with a head whose outcome was `malformed`: a constant text, with nothing of the input in it.
// Parses again, so that nobody else pays for it.
std::string_view why_malformed(std::string_view input, head_limits const& limits, std::span<field> storage,
                               request& into, framing& how);

// For `Connection`, `Transfer-Encoding` and other lists: true when `list` has the element `token`,
// which must be lower case.
bool list_has(std::string_view list, std::string_view token) noexcept;

// True when `text` can be the value of Host: host and optional port (RFC 3986, section 3.2), without user
// information.
bool is_authority(std::string_view text) noexcept;

}  // namespace slipway::http
