// Serves bytes that are there already (a file, an asset, an object of a store): validators, conditions, ranges and
// HEAD in one place, so that every kind of them behaves the same.
#pragma once

#include <slipway/content/conditional.hpp>
#include <slipway/content/fields.hpp>
#include <slipway/content/ranges.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace slipway::content {

// Bytes that can be read at any place.
class seekable {
 public:
  virtual ~seekable() = default;
  // Between one and `at_most` bytes from `offset`, valid until the next call; both lie within the representation.
  // Throws when the bytes are not there (any more): the connection is cut, since the length was promised.
  virtual task<std::string_view> read(std::uint64_t offset, std::size_t at_most) = 0;
  // Puts all of it into the answer at once, where it is in memory anyway: then true, and `this` is not needed any more.
  virtual bool give(http::response&) { return false; }
};
std::unique_ptr<seekable> make_static_bytes(std::string_view bytes);  // of a text that outlives the exchange
std::unique_ptr<seekable> make_owned_bytes(std::string bytes);

struct representation {
  std::unique_ptr<seekable> bytes;
  std::uint64_t size = 0;
  std::string_view type;    // Content-Type; must live as long as the exchange
  validators now;           // views must live as long as the exchange
  std::string_view coding;  // Content-Encoding; empty: none
};

// Answers GET or HEAD with 200, 206 (one range, or multipart/byteranges), 304, 412 or 416.
// Cache-Control, Vary and the like are the caller's and should be added before.
void serve(http::exchange& x, representation r, error_page const& page);

// Reads a short stream whose length is known, so that it leaves in one write with its head.
task<> gather_short_stream(http::exchange& x, std::size_t at_most);

// `ranges` of `bytes` one after the other; with a boundary each in its own part (section 14.6).
struct range_parts {
  std::unique_ptr<http::body_source> body;
  std::uint64_t length = 0;
};
range_parts make_range_source(std::unique_ptr<seekable> bytes, std::vector<byte_range> ranges, std::uint64_t size,
                              std::string_view type, std::string_view boundary);

}  // namespace slipway::content
