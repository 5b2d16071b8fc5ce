// Exact decimal numbers with a fixed number of digits after the point: prices, rates, quantities.
//
//   decimal<2> price = *decimal<2>::parse("12.50");
//   price + price == decimal<2>::of(25);
//
// A 64-bit integer counts the smallest units, so a decimal<2> goes to 92,233,720,368,547,758.07 and every engine can
// hold, compare, order and add it exactly. What leaves that range throws std::overflow_error; nothing is rounded
// without a word.
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slipway {

enum class rounding : std::uint8_t { half_even, half_up, down };  // of what a division leaves

namespace detail {

constexpr std::int64_t power_of_ten(unsigned exponent) noexcept {
  std::int64_t out = 1;
  for (unsigned i = 0; i < exponent; ++i) out *= 10;
  return out;
}
// An optional sign, digits, and at most `scale` digits after a point; nothing else.
std::optional<std::int64_t> parse_decimal(std::string_view text, unsigned scale) noexcept;
std::string decimal_text(std::int64_t units, unsigned scale);
// a * b / c, rounded. Throws std::overflow_error, std::domain_error for a division by zero.
std::int64_t multiply_divide(std::int64_t a, std::int64_t b, std::int64_t c, rounding how);
[[noreturn]] void refuse_decimal();

}  // namespace detail

template <unsigned Scale>
class decimal {
  static_assert(Scale <= 18, "a decimal has at most 18 digits after the point");

 public:
  static constexpr bool is_decimal = true;
  static constexpr unsigned scale = Scale;
  static constexpr std::int64_t one = detail::power_of_ten(Scale);

  constexpr decimal() noexcept = default;
  // Of the smallest units: cents, for a decimal<2>.
  static constexpr decimal units(std::int64_t count) noexcept {
    decimal out;
    out.units_ = count;
    return out;
  }
  static constexpr decimal of(std::int64_t whole) {
    decimal out;
    if (__builtin_mul_overflow(whole, one, &out.units_)) detail::refuse_decimal();
    return out;
  }
  // Nothing for text that is no number, has more digits after the point, or is out of range.
  static std::optional<decimal> parse(std::string_view text) noexcept {
    auto const found = detail::parse_decimal(text, Scale);
    return found ? std::optional{units(*found)} : std::nullopt;
  }

  constexpr std::int64_t units() const noexcept { return units_; }
  std::string text() const { return detail::decimal_text(units_, Scale); }
  double approximate() const noexcept { return static_cast<double>(units_) / static_cast<double>(one); }

  friend constexpr auto operator<=>(decimal, decimal) noexcept = default;
  friend constexpr decimal operator+(decimal a, decimal b) {
    if (__builtin_add_overflow(a.units_, b.units_, &a.units_)) detail::refuse_decimal();
    return a;
  }
  friend constexpr decimal operator-(decimal a, decimal b) {
    if (__builtin_sub_overflow(a.units_, b.units_, &a.units_)) detail::refuse_decimal();
    return a;
  }
  friend constexpr decimal operator-(decimal a) { return decimal{} - a; }
  friend constexpr decimal operator*(decimal a, std::int64_t times) {
    if (__builtin_mul_overflow(a.units_, times, &a.units_)) detail::refuse_decimal();
    return a;
  }
  decimal& operator+=(decimal other) { return *this = *this + other; }
  decimal& operator-=(decimal other) { return *this = *this - other; }

  // By a number of any scale, such as a rate of tax.
  template <unsigned S>
  decimal times(decimal<S> factor, rounding how = rounding::half_even) const {
    return units(detail::multiply_divide(units_, factor.units(), decimal<S>::one, how));
  }
  decimal divided_by(std::int64_t parts, rounding how = rounding::half_even) const {
    return units(detail::multiply_divide(units_, 1, parts, how));
  }
  // With another number of digits.
  template <unsigned S>
  decimal<S> to(rounding how = rounding::half_even) const {
    return decimal<S>::units(detail::multiply_divide(units_, decimal<S>::one, one, how));
  }

 private:
  std::int64_t units_ = 0;
};

}  // namespace slipway
