// Numbers and names as they come from outside, for the readers of this library.
#pragma once

#include <slipway/json/scalar.hpp>
#include <slipway/meta/description.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::json::detail {

// The grammar of RFC 8259, section 6.
bool is_number(std::string_view text) noexcept;
// Decimal, without plus sign, leading zeros or "-0": one text for each integer.
scalar_problem read_integer_text(meta::type const& t, void* value, std::string_view text);
// False: it does not fit, and `value` is unchanged.
bool store_signed(meta::type const& t, void* value, std::int64_t v) noexcept;
bool store_unsigned(meta::type const& t, void* value, std::uint64_t v) noexcept;
bool store_number(meta::type const& t, void* value, double v) noexcept;

// "must be an integer from 0 to 255"
std::string range_of(meta::type const& t);
// "must be one of draft, sent"
std::string names_of(meta::type const& t);

}  // namespace slipway::json::detail
