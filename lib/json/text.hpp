// For the renderers of this library: pieces of JSON written at a position that the caller keeps in a register.
#pragma once

#include <slipway/json/buffer.hpp>

#include <emmintrin.h>

#include <cstdint>
#include <string_view>

namespace slipway::json::detail {

// Enough for every value that is not text, a list or an object, with a comma and a bracket.
inline constexpr std::size_t scalar_room = 48;

// Makes its own room.
char* put_text(buffer& out, char* at, std::string_view text);
// These need `scalar_room`.
char* put_signed(char* at, std::int64_t value) noexcept;
char* put_unsigned(char* at, std::uint64_t value) noexcept;
char* put_number(char* at, double value);  // throws write_error for NaN and infinity
char* put_number(char* at, float value);

// Makes its own room. `value` is a json::value.
char* put_dynamic(buffer& out, char* at, void const* value);

// One bit for each of the 16 bytes that does not stand for itself in a JSON string: control characters, quote,
// backslash, and (negative as signed bytes) everything that is not ASCII.
inline unsigned special_bytes(__m128i v) noexcept {
  auto const low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
  auto const quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
  auto const slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash))));
}
inline unsigned special_bytes(char const* from) noexcept {
  return special_bytes(_mm_loadu_si128(reinterpret_cast<__m128i const*>(from)));
}
inline bool is_special(char c) noexcept { return static_cast<signed char>(c) < 0x20 || c == '"' || c == '\\'; }

// The length of the UTF-8 sequence that begins here; 0 when there is none.
std::size_t sequence_length(char const* from, std::size_t left) noexcept;

// A short text, without a call: names are rarely longer than 16.
inline char* put_name(char* at, char const* from, std::size_t size) noexcept {
  if (size > 16) [[unlikely]] {
    std::memcpy(at, from, size);
  } else if (size >= 8) {
    std::memcpy(at, from, 8);
    std::memcpy(at + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(at, from, 4);
    std::memcpy(at + size - 4, from + size - 4, 4);
  } else if (size != 0) {
    at[0] = from[0];
    at[size / 2] = from[size / 2];
    at[size - 1] = from[size - 1];
  }
  return at + size;
}

// Whether two names are equal, without a call either.
inline bool same_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  auto const n = a.size();
  if (n > 16) [[unlikely]]
    return std::memcmp(a.data(), b.data(), n) == 0;
  auto const differ = []<class W>(W, char const* x, char const* y) {
    W wx, wy;
    std::memcpy(&wx, x, sizeof wx);
    std::memcpy(&wy, y, sizeof wy);
    return wx ^ wy;
  };
  auto const *x = a.data(), *y = b.data();
  if (n >= 8) return (differ(std::uint64_t{}, x, y) | differ(std::uint64_t{}, x + n - 8, y + n - 8)) == 0;
  if (n >= 4) return (differ(std::uint32_t{}, x, y) | differ(std::uint32_t{}, x + n - 4, y + n - 4)) == 0;
  return n == 0 || (x[0] == y[0] && x[n / 2] == y[n / 2] && x[n - 1] == y[n - 1]);
}

}  // namespace slipway::json::detail
