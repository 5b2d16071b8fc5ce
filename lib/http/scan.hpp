// Finds the bytes at which a head's parts end, sixteen at a time where the processor can (SSE2 is in every x86-64)
// and one at a time elsewhere. Each returns `end` when there is none.
#pragma once

#include <array>
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace slipway::http::scan {

// RFC 9110, section 5.6.2: tchar.
inline constexpr auto token_characters = [] {
  std::array<bool, 256> is{};
  for (int c = '0'; c <= '9'; ++c) is[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) is[static_cast<std::size_t>(c)] = is[static_cast<std::size_t>(c - 32)] = true;
  for (char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    is[static_cast<unsigned char>(c)] = true;
  return is;
}();

inline bool is_token_character(char c) noexcept { return token_characters[static_cast<unsigned char>(c)]; }

inline char const* end_of_token(char const* at, char const* end) noexcept {
  while (at != end && is_token_character(*at)) ++at;
  return at;
}

constexpr bool ends_target(char c) noexcept {
  auto const byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte >= 0x7f;
}

constexpr bool ends_value(char c) noexcept {
  auto const byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

// The first byte that is not visible ASCII.
inline char const* end_of_target(char const* at, char const* end) noexcept {
#if defined(__SSE2__)
  auto const first_visible = _mm_set1_epi8(0x21);
  auto const del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    auto const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    // The comparison is signed, so bytes from 0x80 on count as small.
    auto const stops = _mm_or_si128(_mm_cmplt_epi8(bytes, first_visible), _mm_cmpeq_epi8(bytes, del));
    if (auto const mask = static_cast<unsigned>(_mm_movemask_epi8(stops)); mask != 0)
      return at + __builtin_ctz(mask);
  }
#endif
  while (at != end && !ends_target(*at)) ++at;
  return at;
}

// The first control character other than HTAB. Bytes from 0x80 on are obs-text and belong to the value.
inline char const* end_of_value(char const* at, char const* end) noexcept {
#if defined(__SSE2__)
  auto const highest_control = _mm_set1_epi8(0x1f);
  auto const tab = _mm_set1_epi8('\t');
  auto const del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    auto const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    auto const control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, highest_control), bytes);
    auto const stops = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control), _mm_cmpeq_epi8(bytes, del));
    if (auto const mask = static_cast<unsigned>(_mm_movemask_epi8(stops)); mask != 0)
      return at + __builtin_ctz(mask);
  }
#endif
  while (at != end && !ends_value(*at)) ++at;
  return at;
}

}  // namespace slipway::http::scan
