// For the renderers of this library: pieces of JSON written at a position that the caller keeps in a register.
#pragma once

#include <slipway/json/buffer.hpp>
#include <slipway/meta/description.hpp>

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
inline __m128i load16(char const* from) noexcept { return _mm_loadu_si128(reinterpret_cast<__m128i const*>(from)); }
inline unsigned special_bytes(char const* from) noexcept { return special_bytes(load16(from)); }
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

// Needs room for a step more than the label.
inline char* put_label(char* at, meta::label const& l) noexcept {
  std::memcpy(at, l.text, meta::label::step);
  for (auto i = meta::label::step; i < l.size; i += meta::label::step) [[unlikely]]
    std::memcpy(at + i, l.text + i, meta::label::step);
  return at + l.size;
}

}  // namespace slipway::json::detail
