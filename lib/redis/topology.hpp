// Which server a command goes to, and how that changes: one server that stands alone, the master that Sentinels name,
// or the masters of a cluster. Each is a sibling file. For the .cpp files of this folder.
#pragma once

#include <slipway/redis/node.hpp>
#include <slipway/redis/slots.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::redis {

// What a topology makes its nodes from.
struct surroundings {
  core const& shared;
  shard& home;
  counters& counts;
  background_tasks& tasks;
};

class topology {
 public:
  virtual ~topology() = default;
  // Finds and opens what is needed to serve. Throws connect_error.
  virtual task<> open() = 0;
  // command::no_slot: any server will do. Null while nobody is known to serve the slot.
  virtual std::shared_ptr<node> find(int slot) = 0;
  // A replica of the slot's master that may be read from now; null: none is near enough. The first call makes them be
  // looked for. `no_replica` says why there is none.
  virtual std::shared_ptr<node> find_replica(int slot) = 0;
  virtual std::string no_replica(int slot) const = 0;
  // A server told where a slot is now. The node to ask instead; null: look again.
  virtual std::shared_ptr<node> follow(redirection const& to) = 0;
  // Something about this server was not as it should be: find out what has changed.
  virtual void suspect(node& which, std::string const& why) = 0;
  virtual void tick(request::clock::time_point now) = 0;
  virtual void close(std::string const& why) noexcept = 0;
  // All servers that hold data of their own, for scans.
  virtual std::vector<std::shared_ptr<node>> masters() = 0;
  // For logs and checks: "master mymaster at 127.0.0.1:6379, found by 3 Sentinels".
  virtual std::string describe() const = 0;
  virtual std::size_t depth() const noexcept = 0;
  // Of the replicas: how many may be read from, and how old their answers may be at most.
  virtual std::pair<std::size_t, request::clock::duration> replicas() const noexcept = 0;
};

std::unique_ptr<topology> make_single(surroundings around);
std::unique_ptr<topology> make_sentinel(surroundings around);
std::unique_ptr<topology> make_cluster(surroundings around);

}  // namespace slipway::redis
