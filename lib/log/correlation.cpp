#include <slipway/log/correlation.hpp>

#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace slipway::log {
namespace {

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = table[c - 'A' + 'a'] = true;
  for (unsigned char const c : {'-', '.', '_', '~', ':', '/', '+', '=', '@'}) table[c] = true;
  return table;
}
constexpr auto is_token = token_table();

// Different numbers give different results (each step can be undone), and neighbours look unrelated.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ull;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ull;
  x ^= x >> 32;
  return x;
}

// Digits at once: each four bits are moved into a byte of their own, and bytes above nine get what lies between '9' and
// 'a' on top. Sixteen of them where the processor can (SSE2 is in every x86-64), and twice eight elsewhere.
#if defined(__SSE2__)
void write_hex(std::uint64_t bits, char* out) noexcept {
  auto const each = _mm_cvtsi64_si128(static_cast<std::int64_t>(__builtin_bswap64(bits)));  // the highest comes first
  auto const four = _mm_set1_epi8(0x0f);
  auto const digits = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(each, 4), four), _mm_and_si128(each, four));
  auto const letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
  auto const text = _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), text);
}
#else
std::uint64_t hex_digits(std::uint32_t bits) noexcept {
  std::uint64_t x = bits;
  x = (x << 16 | x) & 0x0000ffff0000ffffu;
  x = (x << 8 | x) & 0x00ff00ff00ff00ffu;
  x = (x << 4 | x) & 0x0f0f0f0f0f0f0f0fu;
  auto const letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
  return __builtin_bswap64(x + 0x3030303030303030u + letters * ('a' - '0' - 10));  // the highest digit comes first
}

void write_hex(std::uint64_t bits, char* out) noexcept {
  std::uint64_t const text[2]{hex_digits(static_cast<std::uint32_t>(bits >> 32)),
                              hex_digits(static_cast<std::uint32_t>(bits))};
  std::memcpy(out, text, sizeof text);
}
#endif

}  // namespace

bool acceptable_correlation_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 128) return false;
  for (auto const c : text)
    if (!is_token[static_cast<unsigned char>(c)]) return false;
  return true;
}

std::string_view correlation_ids::write(char* out) noexcept {
  auto const bits = mix(next_++ ^ key_) ^ key_;
  static_assert(size == 2 * sizeof bits);
  write_hex(bits, out);
  return {out, size};
}

}  // namespace slipway::log
