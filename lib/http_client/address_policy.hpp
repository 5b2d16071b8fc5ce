// Which addresses may be connected to. Asked with the resolved address at the moment of connecting, so that a name
// that resolves differently the second time (DNS rebinding) gains nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace slipway::http_client {

// An IPv6 address, or an IPv4 one in its mapped form (::ffff:a.b.c.d).
using ip_address = std::array<std::uint8_t, 16>;

std::optional<ip_address> address_of(sockaddr const& socket_address) noexcept;
std::optional<ip_address> parse_address(std::string_view text) noexcept;

// Not on the public internet: loopback, private, link-local (with the metadata services of clouds), shared (CGNAT),
// multicast, broadcast, unspecified, documentation, benchmarking, unique local, and the IPv6 forms that carry such
// an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo). RFC 6890 and the IANA special-purpose registries.
bool is_special(ip_address const& a) noexcept;

class address_policy {
 public:
  // Throws std::invalid_argument that names the range which is no CIDR.
  address_policy(bool special_allowed, std::vector<std::string> const& allowed_ranges);
  bool allows(ip_address const& a) const noexcept;
  bool allows_after_redirect(ip_address const& a, bool special_allowed) const noexcept;

 private:
  struct range {
    ip_address address;
    unsigned bits;
  };
  bool listed(ip_address const& a) const noexcept;
  bool special_allowed_;
  std::vector<range> ranges_;
};

}  // namespace slipway::http_client
