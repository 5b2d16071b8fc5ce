// What a trusted proxy says of the client behind it: Forwarded (RFC 7239) and the older X-Forwarded-For and -Proto.
#pragma once

#include <slipway/http/address.hpp>
#include <slipway/http/message.hpp>

#include <optional>
#include <span>

namespace slipway::http {

struct forwarded_client {
  std::optional<address> client;  // the nearest address of the chain that is not a trusted proxy
  std::optional<bool> secure;     // what the trusted proxy nearest to that client said of its scheme
};

// The chain is read from its end, which is the part that trusted proxies wrote: whatever stands further left may be
// the client's invention. `trusted` are the proxies that may speak for others. A proxy writes one of the two fields and
// may let the other pass, which is the client's then: where they disagree neither is believed.
forwarded_client read_forwarded(std::span<field const> fields, std::span<network const> trusted);

bool is_trusted(address const& a, std::span<network const> trusted) noexcept;

}  // namespace slipway::http
