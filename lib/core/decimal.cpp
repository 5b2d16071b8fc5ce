#include <slipway/core/decimal.hpp>

namespace slipway::detail {
namespace {

// Products of two 64-bit integers.
__extension__ using wide = __int128;

wide rounded(wide quotient, wide remainder, wide divisor, rounding how) noexcept {
  if (remainder == 0 || how == rounding::down) return quotient;
  auto const twice = remainder * 2;
  auto const size = twice < 0 ? -twice : twice;
  auto const away = remainder < 0 ? -1 : 1;
  if (size > divisor || (size == divisor && (how == rounding::half_up || quotient % 2 != 0))) return quotient + away;
  return quotient;
}

}  // namespace

void refuse_decimal() { throw std::overflow_error{"a decimal number is out of range"}; }

std::int64_t multiply_divide(std::int64_t a, std::int64_t b, std::int64_t c, rounding how) {
  if (c == 0) throw std::domain_error{"a decimal number is divided by zero"};
  auto product = static_cast<wide>(a) * b;
  auto divisor = static_cast<wide>(c);
  if (divisor < 0) {
    divisor = -divisor;
    product = -product;
  }
  auto const out = rounded(product / divisor, product % divisor, divisor, how);
  if (out < std::numeric_limits<std::int64_t>::min() || out > std::numeric_limits<std::int64_t>::max())
    refuse_decimal();
  return static_cast<std::int64_t>(out);
}

std::optional<std::int64_t> parse_decimal(std::string_view text, unsigned scale) noexcept {
  auto const negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  auto const point = text.find('.');
  auto const whole = text.substr(0, point);
  auto const rest = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || rest.size() > scale || (point != std::string_view::npos && rest.empty())) return std::nullopt;
  std::int64_t out = 0;
  // Counted downwards, because there is one more number below zero than above.
  auto const add = [&out](char c) {
    return c >= '0' && c <= '9' && !__builtin_mul_overflow(out, std::int64_t{10}, &out) &&
           !__builtin_sub_overflow(out, std::int64_t{c - '0'}, &out);
  };
  for (char c : whole)
    if (!add(c)) return std::nullopt;
  for (unsigned i = 0; i < scale; ++i)
    if (!add(i < rest.size() ? rest[i] : '0')) return std::nullopt;
  if (negative) return out;
  if (out == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return -out;
}

std::string decimal_text(std::int64_t units, unsigned scale) {
  auto const negative = units < 0;
  auto digits = std::to_string(negative ? -static_cast<std::uint64_t>(units) : static_cast<std::uint64_t>(units));
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
  return negative ? "-" + digits : digits;
}

}  // namespace slipway::detail
