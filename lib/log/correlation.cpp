#include <slipway/log/correlation.hpp>

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

}  // namespace

bool acceptable_correlation_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 128) return false;
  for (auto const c : text)
    if (!is_token[static_cast<unsigned char>(c)]) return false;
  return true;
}

std::string_view correlation_ids::write(char* out) noexcept {
  auto bits = mix(next_++ ^ key_) ^ key_;
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = "0123456789abcdef"[bits >> 60];
    bits <<= 4;
  }
  return {out, size};
}

}  // namespace slipway::log
