// What happens to limits while their store does not answer.
#pragma once

#include <boost/describe/enum.hpp>

#include <cstdint>

namespace slipway::limits {

enum class fallback : std::uint8_t {
  memory,  // each process counts for itself: a client gets as much from each of them
  refuse,  // 503, so that nobody gets more than the limit
};
BOOST_DESCRIBE_ENUM(fallback, memory, refuse)

}  // namespace slipway::limits
