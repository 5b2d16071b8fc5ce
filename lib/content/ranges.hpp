// Byte ranges (RFC 9110, section 14).
#pragma once

#include <slipway/content/conditional.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::content {

struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t length = 0;  // above zero
  friend bool operator==(byte_range const&, byte_range const&) = default;
};

struct range_choice {
  enum class kind : std::uint8_t {
    whole,          // 200: no range, one that cannot be read, or too many
    partial,        // 206: `ranges` in the order asked for
    unsatisfiable,  // 416: nothing of it exists, or ranges overlap
  };
  kind what = kind::whole;
  std::vector<byte_range> ranges;
};

inline constexpr std::size_t max_ranges = 8;

// `header` is the value of Range, null when absent; `size` the length of the representation.
range_choice choose_ranges(std::string_view header, std::uint64_t size, std::size_t limit = max_ranges);

// Whether Range is to be heeded: If-Range (null when absent) holds a strong tag or exact date that still stands.
bool if_range_holds(std::string_view if_range, validators const& now) noexcept;

// "bytes 0-499/1234" and, for 416, "bytes */1234".
std::string content_range(byte_range r, std::uint64_t size);
std::string unsatisfied_range(std::uint64_t size);

}  // namespace slipway::content
