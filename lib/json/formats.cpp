#include <slipway/json/validate.hpp>

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace slipway::json {
namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Which bytes stand where in an address, as one table: a test for each byte is one load.
enum : std::uint8_t { atext = 1, host_byte = 2, url_byte = 4 };
constexpr auto classes = [] {
  std::array<std::uint8_t, 256> t{};
  auto const mark = [&](std::string_view bytes, std::uint8_t with) {
    for (auto c : bytes)
      t[static_cast<unsigned char>(c)] = static_cast<std::uint8_t>(t[static_cast<unsigned char>(c)] | with);
  };
  constexpr std::string_view alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  mark(alphanumeric, atext | host_byte | url_byte);
  mark("!#$%&'*+-/=?^_`{|}~", atext);  // RFC 5322, section 3.2.3
  mark("-", host_byte);
  mark("-._~!$&'()*+,;=:@/?", url_byte);  // RFC 3986: pchar, "/" and "?"
  return t;
}();
bool is_of(char c, std::uint8_t what) noexcept { return (classes[static_cast<unsigned char>(c)] & what) != 0; }

// Labels of letters, digits and hyphens (RFC 1123, section 2.1), at most 63 each and 253 together.
bool is_domain(std::string_view text, std::size_t min_labels) noexcept {
  if (text.size() > 253) return false;
  auto const* at = text.data();
  auto const* const end = at + text.size();
  std::size_t labels = 0;
  for (;;) {
    auto const* const begin = at;
    while (at != end && is_of(*at, host_byte)) ++at;
    if (at == begin || at - begin > 63 || *begin == '-' || at[-1] == '-') return false;
    ++labels;
    if (at == end) return labels >= min_labels;
    if (*at++ != '.') return false;
  }
}

bool is_address(int family, std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> name{};
  std::array<unsigned char, 16> parsed;
  if (text.size() >= name.size()) return false;
  std::memcpy(name.data(), text.data(), text.size());
  return ::inet_pton(family, name.data(), parsed.data()) == 1;
}

bool is_host(std::string_view host) noexcept {
  if (host.starts_with('['))
    return host.ends_with(']') && host.size() > 2 && is_address(AF_INET6, host.substr(1, host.size() - 2));
  // A name whose last label is a number is meant to be an address (as the URL standard has it).
  if (host.empty() || !is_digit(host.back())) return is_domain(host, 1);
  auto const last = host.substr(host.rfind('.') + 1);
  return last.find_first_not_of("0123456789") == std::string_view::npos ? is_address(AF_INET, host)
                                                                        : is_domain(host, 1);
}

bool is_port(std::string_view text) noexcept {
  unsigned port = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

bool starts_with_scheme(std::string_view text, std::string_view scheme) noexcept {
  if (text.size() < scheme.size()) return false;
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((is_letter(scheme[i]) ? text[i] | 0x20 : text[i]) != scheme[i]) return false;
  return true;
}

}  // namespace

bool is_email(std::string_view text) noexcept {
  if (text.size() > 254) return false;
  std::size_t at = 0;
  for (;; ++at) {  // atoms with dots between them
    auto const begin = at;
    while (at < text.size() && is_of(text[at], atext)) ++at;
    if (at == begin || at == text.size()) return false;
    if (text[at] != '.') break;
  }
  if (text[at] != '@' || at > 64) return false;
  auto const domain = text.substr(at + 1);
  return is_domain(domain, 2) && !is_digit(domain.back());
}

bool is_url(std::string_view text) noexcept {
  if (starts_with_scheme(text, "https://"))
    text.remove_prefix(8);
  else if (starts_with_scheme(text, "http://"))
    text.remove_prefix(7);
  else
    return false;
  std::size_t end = 0, colon = 0;
  auto const is_literal = text.starts_with('[');
  for (; end < text.size() && text[end] != '/' && text[end] != '?' && text[end] != '#'; ++end)
    if (text[end] == ':' && (!is_literal || text[end - 1] == ']')) colon = end;
  if (colon != 0 && !is_port(text.substr(colon + 1, end - colon - 1))) return false;
  if (!is_host(text.substr(0, colon != 0 ? colon : end))) return false;
  auto const rest = text.substr(end);
  auto fragment = false;
  for (std::size_t i = 0;; ++i) {
    while (i < rest.size() && is_of(rest[i], url_byte)) ++i;
    if (i >= rest.size()) return true;
    if (rest[i] == '%' && i + 2 < rest.size() && is_hex(rest[i + 1]) && is_hex(rest[i + 2]))
      i += 2;
    else if (rest[i] == '#' && !fragment)
      fragment = true;
    else
      return false;
  }
}

std::size_t count_code_points(std::string_view utf8) noexcept {
  std::size_t n = 0;
  for (auto c : utf8) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

}  // namespace slipway::json
