// For the reader of this library: rules checked while a document is read.
#pragma once

#include <slipway/json/path.hpp>
#include <slipway/meta/description.hpp>

namespace slipway::json::detail {

bool check(meta::attributes const& about, meta::type const& type, void const* value, error_list& errors,
           place const& where);

}  // namespace slipway::json::detail
