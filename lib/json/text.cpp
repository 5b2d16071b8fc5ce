#include <slipway/json/text.hpp>
#include <slipway/json/writer.hpp>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <type_traits>

namespace slipway::json {
namespace detail {
namespace {

char* put_escape(char* at, char c) noexcept {
  constexpr char digits[] = "0123456789abcdef";
  *at++ = '\\';
  switch (c) {
    case '"':
    case '\\': *at++ = c; return at;
    case '\b': *at++ = 'b'; return at;
    case '\f': *at++ = 'f'; return at;
    case '\n': *at++ = 'n'; return at;
    case '\r': *at++ = 'r'; return at;
    case '\t': *at++ = 't'; return at;
    default: break;
  }
  std::memcpy(at, "u00", 3);
  at[3] = digits[static_cast<unsigned char>(c) >> 4];
  at[4] = digits[static_cast<unsigned char>(c) & 15];
  return at + 5;
}

// What is left from the first byte that needs a look, and the closing quote.
char* put_rest(buffer& out, char* at, char const* from, std::size_t left) {
  while (left > 0) {
    at = out.room(at, 32);
    if (left >= 16 && !is_special(*from)) {
      auto const v = _mm_loadu_si128(reinterpret_cast<__m128i const*>(from));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at), v);
      auto const bits = special_bytes(v);
      auto const plain = bits == 0 ? 16u : static_cast<unsigned>(std::countr_zero(bits));
      at += plain, from += plain, left -= plain;
      if (bits == 0) continue;
    }
    auto const c = *from;
    std::size_t used = 1;
    if (static_cast<unsigned char>(c) >= 0x80) {
      used = sequence_length(from, left);
      if (used != 0) {
        at = put_name(at, from, used);
      } else {
        std::memcpy(at, "\xEF\xBF\xBD", 3);  // U+FFFD
        at += 3;
        used = 1;
      }
    } else if (is_special(c)) {
      at = put_escape(at, c);
    } else {
      *at++ = c;
    }
    from += used, left -= used;
  }
  at = out.room(at, 2);
  *at++ = '"';
  return at;
}

std::uint64_t load8(char const* from) noexcept {
  std::uint64_t v;
  std::memcpy(&v, from, 8);
  return v;
}
std::uint32_t load4(char const* from) noexcept {
  std::uint32_t v;
  std::memcpy(&v, from, 4);
  return v;
}

}  // namespace

std::size_t sequence_length(char const* from, std::size_t left) noexcept {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(from[i]); };
  auto const follows = [&](std::size_t i) { return i < left && (byte(i) & 0xc0) == 0x80; };
  auto const first = left == 0 ? 0xff : byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;  // longer than it need be
    if (first == 0xed && byte(1) > 0x9f) return 0;  // a surrogate
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

char* put_text(buffer& out, char* at, std::string_view text) {
  auto const* from = text.data();
  auto left = text.size();
  at = out.room(at, left + 32);
  *at++ = '"';
  for (; left >= 16; at += 16, from += 16, left -= 16) {
    auto const v = _mm_loadu_si128(reinterpret_cast<__m128i const*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at), v);
    if (special_bytes(v) != 0) [[unlikely]]
      return put_rest(out, at, from, left);
  }
  // What remains is read as two halves that overlap, so that nothing beyond the text is touched.
  if (left >= 8) {
    auto const a = load8(from), b = load8(from + left - 8);
    if (special_bytes(_mm_set_epi64x(static_cast<long long>(b), static_cast<long long>(a))) != 0) [[unlikely]]
      return put_rest(out, at, from, left);
    std::memcpy(at, &a, 8);
    std::memcpy(at + left - 8, &b, 8);
  } else if (left >= 4) {
    auto const a = load4(from), b = load4(from + left - 4);
    auto const both = static_cast<long long>(std::uint64_t{b} << 32 | a);
    if (special_bytes(_mm_set_epi64x(both, both)) != 0) [[unlikely]]
      return put_rest(out, at, from, left);
    std::memcpy(at, &a, 4);
    std::memcpy(at + left - 4, &b, 4);
  } else if (left != 0) {
    if (is_special(from[0]) || is_special(from[left / 2]) || is_special(from[left - 1])) [[unlikely]]
      return put_rest(out, at, from, left);
    put_name(at, from, left);
  }
  at += left;
  *at++ = '"';
  return at;
}

namespace {

constexpr auto pairs_of_digits = [] {
  std::array<char, 200> out{};
  for (std::size_t i = 0; i < 100; ++i) {
    out[2 * i] = static_cast<char>('0' + i / 10);
    out[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return out;
}();

// Most numbers in answers have four digits at most, for which the general way is three times as long.
char* put_small(char* at, std::uint32_t value) noexcept {
  auto const put_pair = [&at](std::uint32_t pair) {
    std::memcpy(at, &pairs_of_digits[std::size_t{pair} * 2], 2);
    at += 2;
  };
  auto const put_first = [&at, put_pair](std::uint32_t pair) {
    if (pair >= 10) return put_pair(pair);
    *at++ = static_cast<char>('0' + pair);
  };
  if (value < 100) {
    put_first(value);
  } else {
    put_first(value / 100);
    put_pair(value % 100);
  }
  return at;
}

}  // namespace

char* put_unsigned(char* at, std::uint64_t value) noexcept {
  if (value < 10'000) return put_small(at, static_cast<std::uint32_t>(value));
  return std::to_chars(at, at + 24, value).ptr;
}
char* put_signed(char* at, std::int64_t value) noexcept {
  if (value >= 0) return put_unsigned(at, static_cast<std::uint64_t>(value));
  return std::to_chars(at, at + 24, value).ptr;
}

namespace {

// Most numbers have a few decimals: 99.5 is 995 / 10, and a division that gives the number back proves that these
// digits mean it. Up to 15 of them are always the shortest that do. Null: the number is not of this sort.
char* put_decimals(char* at, double value) noexcept {
  static constexpr std::array<double, 5> powers{1e1, 1e2, 1e3, 1e4, 1e5};
  for (std::size_t k = 0; k < powers.size(); ++k) {
    auto const scaled = std::abs(value) * powers[k];
    if (!(scaled < 1e15)) return nullptr;
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): what comes of it is proved in the next line.
    auto const digits = static_cast<std::int64_t>(scaled + 0.5);
    if (static_cast<double>(digits) / powers[k] != std::abs(value)) continue;
    if (value < 0) *at++ = '-';
    auto const unit = static_cast<std::int64_t>(powers[k]);
    at = put_signed(at, digits / unit);
    *at++ = '.';
    auto fraction = digits % unit;
    for (auto i = k + 1; i-- > 0; fraction /= 10) at[i] = static_cast<char>('0' + fraction % 10);
    return at + k + 1;
  }
  return nullptr;
}

template <class N>
char* put_finite(char* at, N value) {
  if (!std::isfinite(value)) throw write_error{"a number that is NaN or infinite cannot be written as JSON"};
  // "-0" would be read back as the integer, which has no sign.
  if (value == 0 && std::signbit(value)) return static_cast<char*>(std::memcpy(at, "-0.0", 4)) + 4;
  // Whole numbers of ordinary size read better without an exponent.
  if (value == std::trunc(value) && std::abs(value) < N{1e15}) return put_signed(at, static_cast<std::int64_t>(value));
  if constexpr (std::is_same_v<N, double>)
    if (std::abs(value) >= 1e-3)  // below, an exponent is shorter
      if (auto* end = put_decimals(at, value)) return end;
  return std::to_chars(at, at + 40, value).ptr;
}

}  // namespace

char* put_number(char* at, double value) { return put_finite(at, value); }
char* put_number(char* at, float value) { return put_finite(at, value); }

}  // namespace detail

void write_text(buffer& out, std::string_view text) { out.commit(detail::put_text(out, out.open(), text)); }

void write_number(buffer& out, double value) {
  out.reserve(detail::scalar_room);
  out.commit(detail::put_number(out.open(), value));
}

}  // namespace slipway::json
