#include <slipway/core/id.hpp>

#include <cstring>

namespace slipway {

char* uuid::write(char* out) const noexcept {
  // Every access log line has one: two digits are copied at a time.
  static constexpr auto pairs = [] {
    std::array<char, 512> table{};
    for (std::size_t i = 0; i < 256; ++i) {
      table[2 * i] = "0123456789abcdef"[i >> 4];
      table[2 * i + 1] = "0123456789abcdef"[i & 15];
    }
    return table;
  }();
  auto const put = [&](std::size_t from, std::size_t to) {
    for (auto i = from; i < to; ++i, out += 2) std::memcpy(out, &pairs[2 * std::size_t{bytes[i]}], 2);
  };
  put(0, 4);
  *out++ = '-';
  put(4, 6);
  *out++ = '-';
  put(6, 8);
  *out++ = '-';
  put(8, 10);
  *out++ = '-';
  put(10, 16);
  return out;
}

std::string uuid::text() const {
  std::string out(text_size, '\0');
  write(out.data());
  return out;
}

std::optional<uuid> uuid::parse(std::string_view text) noexcept {
  if (text.size() != text_size || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return std::nullopt;
  auto const digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  uuid out;
  std::size_t at = 0;
  for (auto& byte : out.bytes) {
    if (at == 8 || at == 13 || at == 18 || at == 23) ++at;  // only there: another hyphen is not a digit
    auto const high = digit(text[at]), low = digit(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    byte = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return out;
}

uuid make_uuid7(clock_source const& clock, random_source& random) {
  // RFC 9562, section 6.2, method 2: within one millisecond the 74 random bits count up from a random start.
  thread_local constinit std::uint64_t last_ms = 0;
  thread_local constinit std::uint64_t low = 0;   // 62 bits of rand_b
  thread_local constinit std::uint16_t high = 0;  // 12 bits of rand_a
  auto const ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch()).count());
  if (ms > last_ms || last_ms - ms > 10'000) {  // a clock set back by more than ten seconds is believed
    last_ms = ms;
    low = random.next64() >> 2;
    high = static_cast<std::uint16_t>(random.next64() & 0x7ff);  // the top bit stays clear: room to count
  } else {
    low += (random.next64() & 0xffff) + 1;
    if (low >> 62 != 0) {
      low &= (std::uint64_t{1} << 62) - 1;
      if (++high > 0xfff) {
        high = 0;
        ++last_ms;
      }
    }
  }
  uuid out;
  for (std::size_t i = 0; i < 6; ++i) out.bytes[i] = static_cast<std::uint8_t>(last_ms >> (40 - 8 * i));
  out.bytes[6] = static_cast<std::uint8_t>(0x70 | high >> 8);
  out.bytes[7] = static_cast<std::uint8_t>(high);
  for (std::size_t i = 0; i < 8; ++i) out.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  out.bytes[8] = static_cast<std::uint8_t>((out.bytes[8] & 0x3f) | 0x80);
  return out;
}

}  // namespace slipway
