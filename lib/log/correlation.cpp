#include <slipway/log/correlation.hpp>

#include <cstring>

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

// Eight hexadecimal digits at once: each four bits are moved into a byte of their own, and bytes above nine get what
// lies between '9' and 'a' on top.
std::uint64_t hex_digits(std::uint32_t bits) noexcept {
  std::uint64_t x = bits;
  x = (x << 16 | x) & 0x0000ffff0000ffffu;
  x = (x << 8 | x) & 0x00ff00ff00ff00ffu;
  x = (x << 4 | x) & 0x0f0f0f0f0f0f0f0fu;
  auto const letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
  return __builtin_bswap64(x + 0x3030303030303030u + letters * ('a' - '0' - 10));  // the highest digit comes first
}

}  // namespace

bool acceptable_correlation_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 128) return false;
  for (auto const c : text)
    if (!is_token[static_cast<unsigned char>(c)]) return false;
  return true;
}

std::string_view correlation_ids::write(char* out) noexcept {
  auto const bits = mix(next_++ ^ key_) ^ key_;
  std::uint64_t const text[2]{hex_digits(static_cast<std::uint32_t>(bits >> 32)),
                              hex_digits(static_cast<std::uint32_t>(bits))};
  static_assert(sizeof text == size);
  std::memcpy(out, text, sizeof text);
  return {out, size};
}

}  // namespace slipway::log
