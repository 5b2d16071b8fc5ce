// Reading from replicas. With `database.replicas` set, a statement that only reads goes to one of them when its
// operation allows that (`context::replicas`, which a layer sets for each request, or `allow_replicas`) and the replica
// has replayed all that the operation must see (`context::written`). Everything else goes to the primary: whatever
// writes or locks, transactions, COPY, LISTEN, and reads of operations that allowed nothing. docs/replicas.md.
#pragma once

#include <slipway/core/context.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::db {

// stale: accepts writes, and another server was promoted after it. foreign: belongs to another cluster.
enum class server_part : std::uint8_t { unreachable, primary, replica, behind, stale, foreign };
std::string_view to_string(server_part part) noexcept;

struct server_status {
  std::string place;  // "127.0.0.1:5432, database app"
  server_part part = server_part::unreachable;
  std::uint64_t position = 0;   // its place in the log, in bytes
  std::uint64_t lag_bytes = 0;  // of the log that it has not replayed yet
  std::chrono::microseconds lag{0};
  std::uint64_t reads = 0;  // that were sent to it
  std::string detail;       // why it is not used
};

struct replication_status {
  std::vector<server_status> servers;  // empty: there are no replicas
  // Reads that might have gone to a replica, and why they did not: what they must see was not replayed yet, no replica
  // was fit, or a replica could not answer and the primary was asked instead.
  std::uint64_t not_replayed = 0, no_replica = 0, asked_again = 0;
  std::uint64_t failovers = 0;  // another server became the primary
};

// Awaited: the reads of this operation may go to replicas from here on. For work that is no request.
struct allow_replicas {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    if (auto* operation = self.promise().operation) operation->replicas = replica_use::may_read;
    return false;
  }
  void await_resume() const noexcept {}
};

// Set in `context::written` beside the position when a write succeeded and the connection was lost before it was known
// how far the log was then. Replicas serve such an operation once they have replayed what the primary had afterwards.
inline constexpr std::uint64_t unknown_write = std::uint64_t{1} << 63;
// What must be seen by whoever must see both.
constexpr std::uint64_t both_written(std::uint64_t a, std::uint64_t b) noexcept {
  auto const x = a & ~unknown_write, y = b & ~unknown_write;
  return (x < y ? y : x) | ((a | b) & unknown_write);
}

// A position for another process, or for the client to bring back: 18 characters at most. It says how much was ever
// written to the database, and nothing else; a wrong one costs its bearer reads from the primary.
// Empty for what no token can say: an unknown write.
std::string token_of(std::uint64_t position);
// Empty for what is no token.
std::optional<std::uint64_t> position_of(std::string_view token) noexcept;

}  // namespace slipway::db
