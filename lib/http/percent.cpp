#include <slipway/http/percent.hpp>

#include <cstring>

namespace slipway::http {
namespace {

// The octet of the escape at `at`; -1 when it is not one.
int octet_at(std::string_view text, std::size_t at) noexcept {
  if (text.size() - at < 3) return -1;
  auto const high = digit_of(text[at + 1]), low = digit_of(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_unreserved(int c) noexcept {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80) || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::optional<std::string_view> decode(std::string_view text, arena& memory, bool plus_is_space) {
  auto* const out = static_cast<char*>(memory.allocate(text.size(), 1));
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (c == '%') {
      auto const octet = octet_at(text, i);
      if (octet <= 0) return std::nullopt;
      c = static_cast<char>(octet);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out[size++] = c;
  }
  return std::string_view{out, size};
}

}  // namespace

std::optional<std::string_view> percent_decode(std::string_view text, arena& memory) {
  if (text.find('%') == std::string_view::npos) return text;
  return decode(text, memory, false);
}

std::optional<std::string_view> form_decode(std::string_view text, arena& memory) {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  return decode(text, memory, true);
}

std::optional<std::string_view> normalise_path(std::string_view path, arena& memory) {
  if (path.find('%') == std::string_view::npos) return path;
  auto* const out = static_cast<char*>(memory.allocate(path.size(), 1));
  std::size_t size = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out[size++] = path[i];
      continue;
    }
    auto const octet = octet_at(path, i);
    if (octet < 0) return std::nullopt;
    if (is_unreserved(octet)) {
      out[size++] = static_cast<char>(octet);
    } else {
      std::memcpy(out + size, path.data() + i, 3);
      size += 3;
    }
    i += 2;
  }
  return std::string_view{out, size};
}

}  // namespace slipway::http
