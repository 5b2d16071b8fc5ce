// The PROXY protocol, version 2, binary: a load balancer says for whom a connection is. Sans I/O.
#pragma once

#include <slipway/http/address.hpp>

#include <optional>
#include <string_view>

namespace slipway::http::proxy_protocol {

inline constexpr std::size_t fixed_size = 16;
inline constexpr std::size_t max_rest = 4'096;  // addresses and extensions

// How many bytes follow the first 16. Empty: that is no header of version 2, or one that is too long.
std::optional<std::size_t> rest_size(std::string_view first_sixteen) noexcept;

// The client; empty for a connection of the balancer's own (its health checks) and for families without Internet
// addresses.
std::optional<address> client(std::string_view first_sixteen, std::string_view rest) noexcept;

}  // namespace slipway::http::proxy_protocol
