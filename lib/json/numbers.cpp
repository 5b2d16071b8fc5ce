#include <slipway/json/numbers.hpp>

#include <charconv>
#include <cmath>
#include <limits>

namespace slipway::json::detail {
namespace {

bool unsigned64(meta::type const& t) noexcept { return t.size == 8 && !t.is_signed; }

}  // namespace

bool is_number(std::string_view text) noexcept {
  std::size_t i = 0;
  auto const digits = [&] {
    auto const from = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - from;
  };
  if (i < text.size() && text[i] == '-') ++i;
  auto const leading_zero = i < text.size() && text[i] == '0';
  auto const whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] | 0x20) == 'e') {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

scalar_problem read_integer_text(meta::type const& t, void* value, std::string_view text) {
  auto const digits = text.starts_with('-') ? text.substr(1) : text;
  auto const canonical = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos &&
                         (digits[0] != '0' || text == "0");
  if (!canonical) return {"wrong_type", "must be an integer"};
  auto const* end = text.data() + text.size();
  auto stored = false;
  if (unsigned64(t)) {
    std::uint64_t v = 0;
    stored = std::from_chars(text.data(), end, v).ec == std::errc{} && digits.size() == text.size() &&
             store_unsigned(t, value, v);
  } else {
    std::int64_t v = 0;
    stored = std::from_chars(text.data(), end, v).ec == std::errc{} && store_signed(t, value, v);
  }
  if (!stored) return {"out_of_range", range_of(t)};
  return {};
}

bool store_signed(meta::type const& t, void* value, std::int64_t v) noexcept {
  if (!meta::fits(t, v)) return false;
  meta::write_integer(t, value, v);
  return true;
}

bool store_unsigned(meta::type const& t, void* value, std::uint64_t v) noexcept {
  if (unsigned64(t)) {
    meta::write_integer(t, value, static_cast<std::int64_t>(v));
    return true;
  }
  return v <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) &&
         store_signed(t, value, static_cast<std::int64_t>(v));
}

bool store_number(meta::type const& t, void* value, double v) noexcept {
  if (!std::isfinite(v)) return false;
  if (t.size != sizeof(float)) {
    *static_cast<double*>(value) = v;
    return true;
  }
  if (std::abs(v) > static_cast<double>(std::numeric_limits<float>::max())) return false;
  *static_cast<float*>(value) = static_cast<float>(v);
  return true;
}

std::string range_of(meta::type const& t) {
  if (unsigned64(t)) return "must be an integer from 0 to 18446744073709551615";
  auto const bits = t.size * 8;
  auto const top =
      bits == 64 ? std::numeric_limits<std::int64_t>::max() : (std::int64_t{1} << (t.is_signed ? bits - 1 : bits)) - 1;
  auto const bottom = t.is_signed ? -top - 1 : 0;
  return "must be an integer from " + std::to_string(bottom) + " to " + std::to_string(top);
}

std::string names_of(meta::type const& t) {
  constexpr std::size_t shown = 20;
  std::string out = "must be one of ";
  for (std::size_t i = 0; i < t.enumerators.size() && i < shown; ++i) {
    if (i != 0) out += ", ";
    out += t.enumerators[i].name;
  }
  if (t.enumerators.size() > shown) out += ", ...";
  return out;
}

}  // namespace slipway::json::detail
