// Types that are one text in JSON and one column in a database: calendar dates and exact decimals. A type of your
// own becomes one in the same way: specialise meta::detail::table for it with a scalar_operations.
#pragma once

#include <slipway/core/decimal.hpp>
#include <slipway/meta/description.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>

namespace slipway::meta {

// "2026-01-31" (RFC 3339 full-date), of the years 0001 to 9999.
bool read_date(void* value, std::string_view text) noexcept;
void write_date(void const* value, std::string& out);

namespace detail {

template <>
struct table<std::chrono::year_month_day> {
  static constexpr scalar_operations operations{
      .name = "date",
      .expects = "a date such as 2026-01-31",
      .pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
      .read = read_date,
      .write = write_date,
      .column = scalar_column::date,
      // A day that is not in the calendar is one that no database holds.
      .get = [](void const* at) noexcept -> std::int64_t {
        auto const& date = *static_cast<std::chrono::year_month_day const*>(at);
        return date.ok() ? std::chrono::sys_days{date}.time_since_epoch().count()
                         : std::numeric_limits<std::int64_t>::min();
      },
      .set =
          [](void* at, std::int64_t days) noexcept {
            *static_cast<std::chrono::year_month_day*>(at) = std::chrono::sys_days{std::chrono::days{days}};
          },
  };
  static constexpr type value{
      .what = kind::scalar, .size = sizeof(std::chrono::year_month_day), .name = "date", .as_scalar = &operations};
};

template <unsigned Scale>
struct table<decimal<Scale>> {
  static constexpr auto expects = [] {
    constexpr std::string_view before = "a decimal number with at most ", after = " digits after the point";
    std::array<char, before.size() + (Scale > 9 ? 2 : 1) + after.size()> text{};
    auto* at = std::copy(before.begin(), before.end(), text.data());
    if (Scale > 9) *at++ = '1';
    *at++ = static_cast<char>('0' + Scale % 10);
    std::copy(after.begin(), after.end(), at);
    return text;
  }();
  static constexpr scalar_operations operations{
      .name = "decimal",
      .expects = {expects.data(), expects.size()},
      .pattern = Scale == 0 ? "^-?[0-9]+$" : "^-?[0-9]+([.][0-9]+)?$",
      .read =
          [](void* at, std::string_view text) noexcept {
            auto const found = decimal<Scale>::parse(text);
            if (found) *static_cast<decimal<Scale>*>(at) = *found;
            return found.has_value();
          },
      .write = [](void const* at, std::string& out) { out += static_cast<decimal<Scale> const*>(at)->text(); },
      .column = scalar_column::decimal,
      .scale = Scale,
      .get = [](void const* at) noexcept { return static_cast<decimal<Scale> const*>(at)->units(); },
      .set = [](void* at,
                std::int64_t units) noexcept { *static_cast<decimal<Scale>*>(at) = decimal<Scale>::units(units); },
  };
  static constexpr type value{
      .what = kind::scalar, .size = sizeof(decimal<Scale>), .name = "decimal", .as_scalar = &operations};
};

}  // namespace detail
}  // namespace slipway::meta
