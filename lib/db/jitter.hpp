#pragma once

#include <slipway/core/random.hpp>

#include <chrono>

namespace slipway::db::detail {

// Between half of it and all of it, by chance, so that a fleet does not come back as one.
inline std::chrono::microseconds some_of(std::chrono::steady_clock::duration most) {
  auto const us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(most).count());
  return std::chrono::microseconds{us / 2 + system_random().below(us / 2 + 1)};
}

}  // namespace slipway::db::detail
