// Which slot of a cluster a key lies in, and who serves it.
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
#pragma once

#include <slipway/redis/reply.hpp>
#include <slipway/redis/url.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace slipway::redis {

inline constexpr unsigned slot_count = 16'384;

// CRC16 (XMODEM) of the key, or of what stands in its first braces when that is not empty.
unsigned slot_of(std::string_view key) noexcept;

// Who serves what, as one server sees it.
struct slot_map {
  static constexpr std::uint16_t nobody = 0xffff;
  std::vector<endpoint> masters;
  std::vector<std::vector<endpoint>> replicas;  // of each of the masters
  std::array<std::uint16_t, slot_count> owner;  // index into masters
  slot_map() { owner.fill(nobody); }
  bool operator==(slot_map const&) const = default;
};

// Of CLUSTER SHARDS (since Redis 7), and of CLUSTER SLOTS, which older servers know. A server that does not know its own
// address means the one that it was asked at. Throws error when the reply is no such list.
slot_map read_shards(reply answer, endpoint const& asked, bool tls);
slot_map read_slots(reply answer, endpoint const& asked);
// Whether this refusal of CLUSTER SHARDS means that CLUSTER SLOTS should be asked for.
bool knows_no_shards(std::string_view error_text) noexcept;

// "MOVED 3999 127.0.0.1:6381", "ASK 3999 [::1]:6381", "MOVED 3999 :6381".
struct redirection {
  bool ask = false;
  unsigned slot = 0;
  endpoint to;
};
std::optional<redirection> read_redirection(std::string_view error_text, endpoint const& asked);

}  // namespace slipway::redis
