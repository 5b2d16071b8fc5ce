// Every collection of documents that this application has: prepared at the start, swept now and then.
#pragma once

#include "models/preferences.hpp"

#include <vector>

namespace app {

inline std::vector<slipway::documents::collection_info const*> all_collections() {
  return {&slipway::documents::info_of<preferences>};
}

}  // namespace app
