#include "middleware/replica_reads.hpp"

#include <cstring>

namespace app::middleware {
namespace {

bool only_reads(http::method verb) noexcept { return verb == http::method::get || verb == http::method::head; }

// Random bits of an id: its second half.
std::uint64_t hash_of(scope const& who) noexcept {
  auto const id = who.user().value;
  std::uint64_t part;
  static_assert(sizeof id >= 2 * sizeof part);
  std::memcpy(&part, reinterpret_cast<char const*>(&id) + sizeof part, sizeof part);
  return part;
}

}  // namespace

std::uint64_t replica_reads::known_of(http::exchange const& x) const noexcept {
  auto known = writes_.of(x.request.peer.address_hash);
  if (x.who) known = db::both_written(known, writes_.of(hash_of(*x.who)));
  if (auto const token = x.request.header(header); !token.empty())
    if (auto const position = db::position_of(token)) known = db::both_written(known, *position);
  return known;
}

bool replica_reads::before(http::exchange& x) {
  if (!only_reads(x.request.verb)) {
    x.operation.replicas = replica_use::notes_writes;
    return true;
  }
  x.operation.replicas = replica_use::may_read;
  x.operation.written = known_of(x);
  return true;
}

void replica_reads::after(http::exchange& x) {
  auto const written = x.operation.written;
  if (written == 0 || (only_reads(x.request.verb) && written == known_of(x))) return;
  writes_.note(x.request.peer.address_hash, written);
  if (x.who) writes_.note(hash_of(*x.who), written);
  if (auto const token = db::token_of(written); !token.empty()) x.response.add(header, x.copy(token));
}

}  // namespace app::middleware
