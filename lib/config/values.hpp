// Comparing and copying values that are known by their description alone.
#pragma once

#include <slipway/meta/description.hpp>

namespace slipway::config {

bool equal(meta::type const& t, void const* a, void const* b);
void copy(meta::type const& t, void const* from, void* to);

}  // namespace slipway::config
