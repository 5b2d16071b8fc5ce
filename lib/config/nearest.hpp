// Which of the known names somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace slipway::config {

// Letters to insert, drop, change or swap with their neighbour until `a` is `b`; above `limit` it may say limit + 1.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

// The nearest name; empty when none is near: a third of the letters may differ, and always one.
std::string_view nearest(std::string_view name, std::span<std::string const> among);

}  // namespace slipway::config
