#include <slipway/log/level.hpp>

#include <array>
#include <cstddef>

namespace slipway::log {
namespace {

constexpr std::array<std::string_view, 7> names{"trace", "debug", "info", "warn", "error", "fatal", "off"};

}  // namespace

std::string_view to_string(level l) noexcept { return names[static_cast<std::size_t>(l)]; }

std::optional<level> parse_level(std::string_view text) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return static_cast<level>(i);
  return std::nullopt;
}

}  // namespace slipway::log
