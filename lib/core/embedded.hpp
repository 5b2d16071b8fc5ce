// Files that were linked into the binary by slipway_embed (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace slipway {

struct embedded_file {
  std::string_view name;  // as it was given to slipway_embed
  std::string_view bytes;
};

}  // namespace slipway
