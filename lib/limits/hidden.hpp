// Keys in a store that others may look into.
#pragma once

#include <string>
#include <string_view>

namespace slipway::limits {

// The same for the same text in every process, and not to be read: nobody who looks into the store sees addresses and
// accounts there. Who knows a text can find it.
std::string hidden(std::string_view text);

}  // namespace slipway::limits
