#include <slipway/http/proxy_protocol.hpp>

namespace slipway::http::proxy_protocol {
namespace {

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
std::uint8_t octet(std::string_view text, std::size_t at) noexcept { return static_cast<std::uint8_t>(text[at]); }

enum : std::uint8_t { local_command = 0x20, proxy_command = 0x21, tcp_v4 = 0x11, tcp_v6 = 0x21 };

}  // namespace

std::optional<std::size_t> rest_size(std::string_view head) noexcept {
  if (head.size() != fixed_size || !head.starts_with(signature)) return std::nullopt;
  if (octet(head, 12) != local_command && octet(head, 12) != proxy_command) return std::nullopt;
  auto const size = static_cast<std::size_t>(octet(head, 14) << 8 | octet(head, 15));
  if (octet(head, 12) == proxy_command &&
      ((octet(head, 13) == tcp_v4 && size < 12) || (octet(head, 13) == tcp_v6 && size < 36)))
    return std::nullopt;
  return size > max_rest ? std::nullopt : std::optional{size};
}

std::optional<address> client(std::string_view head, std::string_view rest) noexcept {
  if (octet(head, 12) != proxy_command) return std::nullopt;
  auto const* octets = reinterpret_cast<std::uint8_t const*>(rest.data());
  if (octet(head, 13) == tcp_v4 && rest.size() >= 12) return address::v4(octets);
  if (octet(head, 13) == tcp_v6 && rest.size() >= 36) return address::v6(octets);
  return std::nullopt;
}

}  // namespace slipway::http::proxy_protocol
