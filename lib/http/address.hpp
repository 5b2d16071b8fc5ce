// Internet addresses as the server needs them: compared with networks, and shown.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr_storage;

namespace slipway::http {

// An IPv4 address is kept as its IPv4-mapped IPv6 form, so one comparison serves both.
class address {
 public:
  static std::optional<address> parse(std::string_view text);  // "192.0.2.1", "2001:db8::1"
  static std::optional<address> from(sockaddr_storage const& socket) noexcept;
  static address v4(std::uint8_t const* four) noexcept;
  static address v6(std::uint8_t const* sixteen) noexcept;

  std::array<std::uint8_t, 16> const& octets() const noexcept { return octets_; }
  bool is_v4() const noexcept;
  std::string text() const;
  std::uint64_t hash() const noexcept;
  friend bool operator==(address const&, address const&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
};

class network {
 public:
  // "10.0.0.0/8", "::1", "unix" for peers on a Unix socket. Throws std::invalid_argument.
  explicit network(std::string_view cidr);
  bool has(address const& a) const noexcept;
  bool is_unix() const noexcept { return unix_; }

 private:
  address base_;
  unsigned bits_ = 128;
  bool unix_ = false;
};

}  // namespace slipway::http
