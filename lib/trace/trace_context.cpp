#include <slipway/trace/trace_context.hpp>

#include <algorithm>
#include <cmath>

namespace slipway {
namespace {

constexpr char digits[] = "0123456789abcdef";

template <std::size_t N>
char* write_hex(char* out, std::array<std::uint8_t, N> const& bytes) noexcept {
  for (auto const b : bytes) {
    *out++ = digits[b >> 4];
    *out++ = digits[b & 15];
  }
  return out;
}

// The value of a lower-case hexadecimal digit, or -1: upper case is not allowed in these headers.
int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

template <std::size_t N>
bool read_hex(std::string_view text, std::array<std::uint8_t, N>& out) noexcept {
  for (std::size_t i = 0; i < N; ++i) {
    auto const high = digit(text[i * 2]), low = digit(text[i * 2 + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

bool lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool number(char c) noexcept { return c >= '0' && c <= '9'; }
bool in_key(char c) noexcept { return lower(c) || number(c) || c == '_' || c == '-' || c == '*' || c == '/'; }

// Section 3.3.1.3.1: a simple key begins with a letter; that of a tenant may begin with a digit too.
bool valid_key(std::string_view key) noexcept {
  auto const at = key.find('@');
  auto const tenant = key.substr(0, at);
  if (tenant.empty() || !std::ranges::all_of(tenant, in_key)) return false;
  if (at == std::string_view::npos) return tenant.size() <= 256 && lower(tenant[0]);
  auto const system = key.substr(at + 1);
  return tenant.size() <= 241 && (lower(tenant[0]) || number(tenant[0])) && !system.empty() && system.size() <= 14 &&
         lower(system[0]) && std::ranges::all_of(system, in_key);
}

bool valid_value(std::string_view value) noexcept {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::ranges::all_of(value, [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

std::string_view without_blanks(std::string_view text) noexcept {
  auto const blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string trace_id::text() const {
  std::string out(32, '0');
  write_hex(out.data(), bytes);
  return out;
}

std::string span_id::text() const {
  std::string out(16, '0');
  write_hex(out.data(), bytes);
  return out;
}

std::array<char, trace_parent::text_size> trace_parent::text() const noexcept {
  std::array<char, text_size> out{};
  auto* at = out.data();
  *at++ = '0';
  *at++ = '0';
  *at++ = '-';
  at = write_hex(at, trace.bytes);
  *at++ = '-';
  at = write_hex(at, span.bytes);
  *at++ = '-';
  write_hex(at, std::array{flags});
  return out;
}

std::optional<trace_parent> trace_parent::parse(std::string_view header) noexcept {
  if (header.size() < text_size || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version{}, flags{};
  trace_parent out;
  if (!read_hex(header, version) || !read_hex(header.substr(3), out.trace.bytes) ||
      !read_hex(header.substr(36), out.span.bytes) || !read_hex(header.substr(53), flags))
    return std::nullopt;
  if (version[0] == 0xff || !out.trace.valid() || !out.span.valid()) return std::nullopt;
  if (header.size() > text_size && (version[0] == 0 || header[text_size] != '-')) return std::nullopt;
  out.flags = flags[0] & (sampled_flag | random_flag);
  return out;
}

bool valid_tracestate(std::string_view header) noexcept {
  if (header.empty() || header.size() > 512) return false;
  std::array<std::string_view, 32> keys;
  std::size_t count = 0;
  while (true) {
    auto const comma = header.find(',');
    auto const member = without_blanks(header.substr(0, comma));
    if (!member.empty()) {  // empty members are allowed
      auto const equals = member.find('=');
      if (equals == std::string_view::npos || count == keys.size()) return false;
      auto const key = member.substr(0, equals);
      if (!valid_key(key) || !valid_value(member.substr(equals + 1))) return false;
      if (std::ranges::find(keys.begin(), keys.begin() + count, key) != keys.begin() + count) return false;
      keys[count++] = key;
    }
    if (comma == std::string_view::npos) return count > 0;
    header.remove_prefix(comma + 1);
  }
}

trace_id make_trace_id(random_source& random) {
  trace_id id;
  do random.fill(std::as_writable_bytes(std::span{id.bytes}));
  while (!id.valid());
  return id;
}

span_id make_span_id(random_source& random) {
  span_id id;
  do random.fill(std::as_writable_bytes(std::span{id.bytes}));
  while (!id.valid());
  return id;
}

bool in_sample(trace_id const& id, double ratio) noexcept {
  if (!(ratio > 0)) return false;
  if (ratio >= 1) return true;
  // The last seven bytes are the random ones; level 2 calls this number R.
  std::uint64_t random = 0;
  for (std::size_t i = 9; i < 16; ++i) random = random << 8 | id.bytes[i];
  return static_cast<double>(random) >= std::ldexp(1 - ratio, 56);
}

}  // namespace slipway
