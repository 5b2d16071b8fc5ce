// Which node has which slot, as the control database tells it: for routing. What a node says of its own slots has the
// last word.
#pragma once

#include <slipway/db/database.hpp>
#include <slipway/sharding/key.hpp>
#include <slipway/sharding/settings.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::sharding {

struct slot_owner {
  std::uint32_t node = 0;  // its place in settings::nodes
  std::int64_t epoch = 0;  // how often the slot has changed hands
};

struct slot_map {
  std::int64_t version = 0;
  std::vector<slot_owner> slots;
};

// The map as it is now, from the primary where the database has replicas; the given one when that has the same version. Throws startup_error when a slot lies on a node
// that is not configured.
task<std::shared_ptr<slot_map const>> read_map(db::session& control, settings const& s,
                                               std::shared_ptr<slot_map const> known);

// The slot of the range in which the key lies: the number of bounds, as octets of keys, that are not above it.
std::uint32_t slot_by_range(std::vector<std::string> const& bounds, key const& k) noexcept;

}  // namespace slipway::sharding
