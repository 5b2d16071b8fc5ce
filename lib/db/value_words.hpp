// Kinds of values as messages name them.
#pragma once

#include <slipway/db/value.hpp>

#include <string_view>

namespace slipway::db {

// "a floating-point number"; with its article, where it has one.
std::string_view word_for(value_kind kind) noexcept;

}  // namespace slipway::db
