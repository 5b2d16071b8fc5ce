#include <slipway/log/line.hpp>

#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace slipway::log {
namespace {

constexpr std::uint64_t every = 0x0101010101010101ull;
constexpr std::uint64_t high = 0x8080808080808080ull;

// Whether one of eight bytes is a control character, a quote, a backslash or not ASCII.
constexpr bool has_special(std::uint64_t w) noexcept {
  auto const quote = w ^ (every * '"');
  auto const backslash = w ^ (every * '\\');
  return ((w | (w - every * 0x20) | (quote - every) | (backslash - every)) & high) != 0;
}

constexpr bool is_plain(unsigned char c) noexcept { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

// Copies eight or sixteen bytes, and says whether all of them are plain.
bool copy8(char* to, char const* from) noexcept {
  std::uint64_t eight;
  std::memcpy(&eight, from, 8);
  std::memcpy(to, &eight, 8);
  return !has_special(eight);
}
bool copy16(char* to, char const* from) noexcept {
#if defined(__SSE2__)
  auto const bytes = _mm_loadu_si128(reinterpret_cast<__m128i const*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  // As signed numbers, what is not ASCII lies below the controls.
  auto const visible = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x1f));
  auto const special =
      _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  return _mm_movemask_epi8(_mm_andnot_si128(special, visible)) == 0xffff;
#else
  auto const first = copy8(to, from);
  return copy8(to + 8, from + 8) && first;
#endif
}

// Copies a text of which nothing needs an escape: true. False: some of `to` was overwritten, and the text has to be
// looked at by the byte. There is room for all of it.
bool copy_plain(char* to, std::string_view s) noexcept {
  auto const* from = s.data();
  auto const n = s.size();
  if (n >= 16) {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16)
      if (!copy16(to + i, from + i)) return false;
    // The end overlaps what is copied already.
    return i == n || copy16(to + n - 16, from + n - 16);
  }
  if (n >= 8) return copy8(to, from) && copy8(to + n - 8, from + n - 8);
  bool plain = true;
  for (std::size_t i = 0; i < n; ++i) {
    to[i] = from[i];
    plain &= is_plain(static_cast<unsigned char>(from[i]));
  }
  return plain;
}

struct decoded {
  std::uint32_t code = 0;
  std::size_t size = 0;  // zero: not UTF-8
};

// One character of two to four bytes: shortest form only, no surrogates, nothing above U+10FFFF.
decoded decode(char const* from, char const* end) noexcept {
  auto const byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(from[i])); };
  auto const left = static_cast<std::size_t>(end - from);
  auto const first = byte(0);
  std::size_t const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || left < size) return {};
  std::uint32_t code = first & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  if ((size == 3 && code < 0x800) || (size == 4 && code < 0x10000) || code > 0x10ffff ||
      (code >= 0xd800 && code < 0xe000))
    return {};
  return {code, size};
}

}  // namespace

void line::escaped(std::string_view s) noexcept {
  if (s.size() <= room() && copy_plain(at_, s)) [[likely]] {
    at_ += s.size();
    return;
  }
  auto const* from = s.data();
  auto const* const end = from + s.size();
  while (from != end && !cut_) {
    while (end - from >= 8 && room() >= 8) {
      if (!copy8(at_, from)) break;
      from += 8;
      at_ += 8;
    }
    // Up to eight by one: the end of the text, or up to and past what stopped the run above.
    for (int i = 0; i < 8 && from != end; ++i) {
      if (is_plain(static_cast<unsigned char>(*from))) [[likely]] {
        if (room() == 0) [[unlikely]] {
          cut_ = true;
          return;
        }
        *at_++ = *from++;
      } else {
        special(from, end);
        if (cut_) return;
      }
    }
  }
}

void line::special(char const*& from, char const* end) noexcept {
  auto const c = static_cast<unsigned char>(*from);
  auto const unicode = [&](std::uint32_t code) {
    char text[6] = {'\\', 'u'};
    for (int i = 0; i < 4; ++i) text[2 + i] = "0123456789abcdef"[code >> (12 - 4 * i) & 0xf];
    raw(std::string_view{text, 6});
  };
  if (c < 0x80) {
    switch (c) {
      case '"': raw("\\\""); break;
      case '\\': raw("\\\\"); break;
      case '\n': raw("\\n"); break;
      case '\r': raw("\\r"); break;
      case '\t': raw("\\t"); break;
      default: unicode(c); break;
    }
    ++from;
    return;
  }
  auto const [code, size] = decode(from, end);
  if (size == 0) {
    raw("\xef\xbf\xbd");  // U+FFFD in place of each byte that is no UTF-8
    ++from;
    return;
  }
  // C1 controls move a terminal's cursor, and some readers take U+2028 and U+2029 for line ends.
  if (code < 0xa0 || code == 0x2028 || code == 0x2029)
    unicode(code);
  else
    raw(std::string_view{from, size});
  from += size;
}

}  // namespace slipway::log
