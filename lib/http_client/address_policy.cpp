#include <slipway/http_client/address_policy.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace slipway::http_client {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

ip_address mapped(std::uint8_t const* four) noexcept {
  ip_address out{};
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), out.begin());
  std::copy(four, four + 4, out.begin() + 12);
  return out;
}

bool is_mapped(ip_address const& a) noexcept {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), a.begin());
}

bool in_range(ip_address const& a, ip_address const& range, unsigned bits) noexcept {
  auto const whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, range.begin())) return false;
  if (bits % 8 == 0) return true;
  auto const mask = static_cast<std::uint8_t>(0xff << (8 - bits % 8));
  return (a[whole] & mask) == (range[whole] & mask);
}

struct v4_range {
  std::array<std::uint8_t, 4> address;
  unsigned bits;
};
// The IANA registry of special-purpose IPv4 addresses, with multicast and the old class E.
constexpr v4_range special_v4[] = {
    {{0, 0, 0, 0}, 8},        {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10},
    {{127, 0, 0, 0}, 8},      {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},
    {{192, 0, 0, 0}, 24},     {{192, 0, 2, 0}, 24},   {{192, 88, 99, 0}, 24},
    {{192, 168, 0, 0}, 16},   {{198, 18, 0, 0}, 15},  {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24},   {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
    {{168, 63, 129, 16}, 32},  // a cloud's host agent: public by number, private by nature
};

bool is_special_v4(std::uint8_t const* four) noexcept {
  auto const a = mapped(four);
  return std::ranges::any_of(special_v4,
                             [&](v4_range const& r) { return in_range(a, mapped(r.address.data()), 96 + r.bits); });
}

constexpr ip_address v6(std::initializer_list<std::uint8_t> first) {
  ip_address out{};
  std::copy(first.begin(), first.end(), out.begin());
  return out;
}
struct v6_range {
  ip_address address;
  unsigned bits;
};
constexpr v6_range special_v6[] = {
    {v6({0x01, 0x00}), 64},                          // discard
    {v6({0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}), 48},  // local-use NAT64
    {v6({0x20, 0x01, 0x00, 0x00}), 23},              // IETF assignments, Teredo among them
    {v6({0x20, 0x01, 0x0d, 0xb8}), 32},
    {v6({0x3f, 0xff, 0x00}), 20},  // documentation
    {v6({0x5f, 0x00}), 16},        // segment routing
    {v6({0xfc}), 7},               // unique local
    {v6({0xfe, 0x80}), 10},
    {v6({0xfe, 0xc0}), 10},  // link-local, site-local
    {v6({0xff}), 8},         // multicast
};
constexpr ip_address nat64 = v6({0x00, 0x64, 0xff, 0x9b});
constexpr ip_address six_to_four = v6({0x20, 0x02});

}  // namespace

std::optional<ip_address> address_of(sockaddr const& socket_address) noexcept {
  if (socket_address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &socket_address, sizeof v4);
    return mapped(reinterpret_cast<std::uint8_t const*>(&v4.sin_addr));
  }
  if (socket_address.sa_family == AF_INET6) {
    ip_address out{};
    auto const* const bytes = reinterpret_cast<std::uint8_t const*>(&socket_address);
    std::memcpy(out.data(), bytes + offsetof(sockaddr_in6, sin6_addr), out.size());
    return out;
  }
  return std::nullopt;
}

std::optional<ip_address> parse_address(std::string_view text) noexcept {
  char copy[INET6_ADDRSTRLEN + 1]{};
  if (text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  text.copy(copy, text.size());
  std::array<std::uint8_t, 4> four{};
  if (::inet_pton(AF_INET, copy, four.data()) == 1) return mapped(four.data());
  ip_address out{};
  if (::inet_pton(AF_INET6, copy, out.data()) == 1) return out;
  return std::nullopt;
}

bool is_special(ip_address const& a) noexcept {
  if (is_mapped(a)) return is_special_v4(a.data() + 12);
  // Unspecified, loopback and the long-dead compatible form share the prefix of 96 zero bits.
  if (in_range(a, ip_address{}, 96)) return true;
  if (in_range(a, nat64, 96)) return is_special_v4(a.data() + 12);
  if (in_range(a, six_to_four, 16)) return is_special_v4(a.data() + 2);
  return std::ranges::any_of(special_v6, [&](v6_range const& r) { return in_range(a, r.address, r.bits); });
}

address_policy::address_policy(bool special_allowed, std::vector<std::string> const& allowed_ranges)
    : special_allowed_{special_allowed} {
  for (auto const& text : allowed_ranges) {
    auto const slash = text.find('/');
    auto const address = parse_address(std::string_view{text}.substr(0, slash));
    bool const four = address && text.find(':') == std::string::npos;
    unsigned bits = four ? 32 : 128;
    bool good = address.has_value();
    if (good && slash != std::string::npos) {
      unsigned given = 0;
      auto const* const last = text.data() + text.size();
      auto const parsed = std::from_chars(text.data() + slash + 1, last, given);
      good = parsed.ec == std::errc{} && parsed.ptr == last && given <= bits;
      bits = given;
    }
    if (!good)
      throw std::invalid_argument{"'" + text + "' is not an address range; write it like 10.1.0.0/16 or fd00::/8"};
    ranges_.push_back({*address, four ? bits + 96 : bits});
  }
}

bool address_policy::listed(ip_address const& a) const noexcept {
  return std::ranges::any_of(ranges_, [&](range const& r) { return in_range(a, r.address, r.bits); });
}

bool address_policy::allows(ip_address const& a) const noexcept {
  return special_allowed_ || !is_special(a) || listed(a);
}

bool address_policy::allows_after_redirect(ip_address const& a, bool special_allowed) const noexcept {
  return special_allowed || !is_special(a) || listed(a);
}

}  // namespace slipway::http_client
