#include <slipway/core/html.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace slipway {
namespace {

constexpr std::array<std::string_view, 6> entities{"", "&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

// For each octet the number of its entity; nearly all have none.
constexpr auto entity_of = [] {
  std::array<std::uint8_t, 256> out{};
  out['&'] = 1;
  out['<'] = 2;
  out['>'] = 3;
  out['"'] = 4;
  out['\''] = 5;
  return out;
}();

std::uint8_t look(char const* at) noexcept { return entity_of[static_cast<std::uint8_t>(*at)]; }

#if defined(__SSE2__)
// Which of sixteen octets are special, as bits. & and ' differ in one bit, and so do < and >.
unsigned specials(char const* at) noexcept {
  auto const text = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
  auto const ampersand = _mm_cmpeq_epi8(_mm_or_si128(text, _mm_set1_epi8(1)), _mm_set1_epi8('\''));
  auto const bracket = _mm_cmpeq_epi8(_mm_or_si128(text, _mm_set1_epi8(2)), _mm_set1_epi8('>'));
  auto const quote = _mm_cmpeq_epi8(text, _mm_set1_epi8('"'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(ampersand, bracket), quote)));
}
#endif

// The next special octet, or `end`: sixteen at a time where the processor can (SSE2 is in every x86-64). What is left
// is looked at together with what stands before it, as far as that is part of the text.
char const* next_special(char const* begin, char const* at, char const* end) noexcept {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16)
    if (auto const found = specials(at); found != 0) return at + __builtin_ctz(found);
  if (end - begin >= 16) {
    auto const found = specials(end - 16) >> (16 - (end - at));
    return found != 0 ? at + __builtin_ctz(found) : end;
  }
#endif
  while (at != end && look(at) == 0) ++at;
  return at;
}

}  // namespace

void append_html(std::string& out, std::string_view text) {
  auto const* const begin = text.data();
  auto const* const end = begin + text.size();
  for (auto const* at = begin;;) {
    auto const* const next = next_special(begin, at, end);
    out.append(at, static_cast<std::size_t>(next - at));
    if (next == end) return;
    out.append(entities[look(next)]);
    at = next + 1;
  }
}

}  // namespace slipway
