#include <slipway/http/address.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace slipway::http {

address address::v4(std::uint8_t const* four) noexcept {
  address out;
  out.octets_[10] = out.octets_[11] = 0xff;
  std::memcpy(out.octets_.data() + 12, four, 4);
  return out;
}

address address::v6(std::uint8_t const* sixteen) noexcept {
  address out;
  std::memcpy(out.octets_.data(), sixteen, 16);
  return out;
}

std::optional<address> address::parse(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated);
  terminated[text.size()] = '\0';
  std::uint8_t octets[16];
  if (::inet_pton(AF_INET, terminated, octets) == 1) return v4(octets);
  if (::inet_pton(AF_INET6, terminated, octets) == 1) return v6(octets);
  return std::nullopt;
}

std::optional<address> address::from(sockaddr_storage const& socket) noexcept {
  if (socket.ss_family == AF_INET)
    return v4(reinterpret_cast<std::uint8_t const*>(&reinterpret_cast<sockaddr_in const&>(socket).sin_addr));
  if (socket.ss_family == AF_INET6) return v6(reinterpret_cast<sockaddr_in6 const&>(socket).sin6_addr.s6_addr);
  return std::nullopt;
}

bool address::is_v4() const noexcept {
  return std::all_of(octets_.begin(), octets_.begin() + 10, [](auto o) { return o == 0; }) && octets_[10] == 0xff &&
         octets_[11] == 0xff;
}

std::string address::text() const {
  char out[INET6_ADDRSTRLEN];
  bool const four = is_v4();
  ::inet_ntop(four ? AF_INET : AF_INET6, octets_.data() + (four ? 12 : 0), out, sizeof out);
  return out;
}

std::uint64_t address::hash() const noexcept {
  std::uint64_t halves[2];
  std::memcpy(halves, octets_.data(), sizeof halves);
  if (!is_v4()) halves[1] = 0;  // whoever has one IPv6 address has the other 2^64 of its network as well
  auto mixed = (halves[0] ^ (halves[1] * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  return mixed ^ mixed >> 31;
}

network::network(std::string_view cidr) {
  auto const refuse = [&] {
    throw std::invalid_argument{
        fmt::format("'{}' is not a network: write 10.0.0.0/8, 2001:db8::/32, one address or unix", cidr)};
  };
  if (cidr == "unix") {
    unix_ = true;
    return;
  }
  auto const slash = cidr.find('/');
  auto const base = address::parse(cidr.substr(0, slash));
  if (!base) refuse();
  base_ = *base;
  if (slash == std::string_view::npos) return;
  auto const length = cidr.substr(slash + 1);
  unsigned const most = base_.is_v4() ? 32 : 128;
  auto const [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits_);
  if (error != std::errc{} || end != length.data() + length.size() || bits_ > most) refuse();
  bits_ += 128 - most;
}

bool network::has(address const& a) const noexcept {
  if (unix_) return false;
  auto const whole = bits_ / 8, rest = bits_ % 8;
  if (std::memcmp(a.octets().data(), base_.octets().data(), whole) != 0) return false;
  return rest == 0 || ((a.octets()[whole] ^ base_.octets()[whole]) >> (8 - rest)) == 0;
}

}  // namespace slipway::http
