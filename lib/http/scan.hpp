// Finds the bytes at which a head's parts end, sixteen at a time where the processor can (SSE2 is in every x86-64)
// and one at a time elsewhere. Each returns `end` when there is none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
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

[[gnu::always_inline]] inline char const* rest_of_token(char const* at, char const* end) noexcept {
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

#if defined(__SSE2__)
// The first of sixteen bytes at a time for which `stops` is set. What is left at the end is looked at once more
// together with bytes before it, as far as they are part of [begin, end), instead of one by one.
template <class Stops, class Scalar>
[[gnu::always_inline]] inline char const* find(char const* begin, char const* at, char const* end, Stops stops,
                                               Scalar scalar) noexcept {
  for (; end - at >= 16; at += 16)
    if (auto const mask = stops(_mm_loadu_si128(reinterpret_cast<__m128i const*>(at))); mask != 0)
      return at + __builtin_ctz(mask);
  if (end - begin >= 16) [[likely]] {
    auto const left = static_cast<unsigned>(end - at);
    auto const mask = stops(_mm_loadu_si128(reinterpret_cast<__m128i const*>(end - 16))) >> (16 - left);
    return mask != 0 ? at + __builtin_ctz(mask) : end;
  }
  while (at != end && !scalar(*at)) ++at;
  return at;
}
[[gnu::always_inline]] inline unsigned mask_of(__m128i bytes) noexcept {
  return static_cast<unsigned>(_mm_movemask_epi8(bytes));
}
#endif

#if defined(__SSE2__)
// 0xff for each byte among the `count` from `first` on.
[[gnu::always_inline]] inline __m128i among(__m128i bytes, char first, char count) noexcept {
  auto const offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(count - 1))), offset);
}
#endif

// The first byte that is no tchar. Names of fields are letters, digits and '-' but for the rare one.
[[gnu::always_inline]] inline char const* end_of_token(char const* begin, char const* at, char const* end) noexcept {
#if defined(__SSE2__)
  at = find(
      begin, at, end,
      [](__m128i bytes) {
        auto const letter = among(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26);
        auto const other = _mm_or_si128(among(bytes, '0', 10), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
        return mask_of(_mm_or_si128(letter, other)) ^ 0xffffu;
      },
      [](char c) { return !is_token_character(c); });
  if (at == end || *at == ':') [[likely]]
    return at;
#else
  static_cast<void>(begin);
#endif
  return rest_of_token(at, end);
}

// Where a target ends, which is at the first byte that is not visible ASCII, and its first '?' or '#', if any.
struct target_marks {
  char const* end;
  char const* mark;  // null: none
};
[[gnu::always_inline]] inline target_marks end_of_target(char const* at, char const* end) noexcept {
  char const* mark = nullptr;
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    auto const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    // The comparison is signed, so bytes from 0x80 on count as small.
    auto const stops =
        mask_of(_mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f))));
    auto const marks =
        mask_of(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('?')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'))));
    // Below the lowest stop; all of them when there is none.
    auto const before = marks & (stops - 1) & ~stops;
    if (before != 0 && mark == nullptr) mark = at + __builtin_ctz(before);
    if (stops != 0) return {at + __builtin_ctz(stops), mark};
  }
#endif
  for (; at != end && !ends_target(*at); ++at)
    if (mark == nullptr && (*at == '?' || *at == '#')) mark = at;
  return {at, mark};
}

// The first control character other than HTAB. Bytes from 0x80 on are obs-text and belong to the value.
[[gnu::always_inline]] inline char const* end_of_value(char const* begin, char const* at, char const* end) noexcept {
#if defined(__SSE2__)
  return find(
      begin, at, end,
      [](__m128i bytes) {
        auto const control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        return mask_of(_mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')), control),
                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f))));
      },
      ends_value);
#else
  while (at != end && !ends_value(*at)) ++at;
  return at;
#endif
}

// True for the usual Host: up to sixteen letters, digits, '-' and '.', and perhaps a port. False says nothing. The
// sixteen bytes that end with the text must be there to be loaded.
[[gnu::always_inline]] inline bool is_plain_authority(std::string_view text) noexcept {
#if defined(__SSE2__)
  auto const size = static_cast<unsigned>(text.size());
  if (text.size() - 1 >= 16) return false;
  auto const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(text.data() + size - 16));
  auto const label = _mm_or_si128(among(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26), among(bytes, '-', 2));
  auto const unused = 16 - size, all = (1u << size) - 1;
  // ':' comes next to '9'.
  if (mask_of(_mm_or_si128(label, among(bytes, '0', 11))) >> unused != all) return false;
  auto const colons = mask_of(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':'))) >> unused;
  if (colons == 0) return true;
  // Everything above the first colon must be digits, at most five.
  auto const digits = mask_of(among(bytes, '0', 10)) >> unused;
  auto const above = all & ~((colons & (0u - colons)) * 2 - 1);
  return (colons & 1) == 0 && (above & ~digits) == 0 && __builtin_popcount(above) <= 5;
#else
  static_cast<void>(text);
  return false;
#endif
}

}  // namespace slipway::http::scan
