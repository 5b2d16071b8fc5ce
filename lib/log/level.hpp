// How much a line matters. A logger writes the lines at its level and above.
#pragma once

#include <boost/describe/enum.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace slipway::log {

enum class level : std::uint8_t {
  trace,  // every step, for the one who debugs this code
  debug,  // what a developer wants to see
  info,   // what happened, once for each thing that matters
  warn,   // something is wrong and the service copes
  error,  // something failed for somebody
  fatal,  // the process ends; the line is on disk before the call returns
  off,    // nothing is written; not the level of a line
};
BOOST_DESCRIBE_ENUM(level, trace, debug, info, warn, error, fatal, off)

std::string_view to_string(level l) noexcept;
// Lower case, as `to_string` writes it.
std::optional<level> parse_level(std::string_view text) noexcept;

}  // namespace slipway::log
