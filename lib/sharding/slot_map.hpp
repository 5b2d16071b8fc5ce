// Which node has which slot, as the control database tells it: for routing. What a node says of its own slots has the
// last word.
#pragma once

#include <slipway/db/database.hpp>
#include <slipway/sharding/key.hpp>
#include <slipway/sharding/settings.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::sharding {

struct slot_owner {
  std::uint32_t node = 0;  // its place in settings::nodes
  std::int64_t epoch = 0;  // how often the slot has changed hands
  bool is_gone = false;    // it was merged into another: no key is in it, and none will be
};

// Where a range begins, as octets of keys, and the slot of the keys from there to the next.
struct range_start {
  std::string bound;
  std::uint32_t slot = 0;
};

struct slot_map {
  std::int64_t version = 0;
  std::vector<slot_owner> slots;
  std::vector<range_start> ranges;  // strategy range alone: ascending, the first without a bound

  // Where the range of this slot ends; nothing for the last.
  std::optional<std::string> end_of(std::uint32_t slot) const;
};

// The map as it is now, from the primary where the database has replicas; the given one when that has the same version.
// Throws startup_error when a slot lies on a node that is not configured.
task<std::shared_ptr<slot_map const>> read_map(db::session& control, settings const& s,
                                               std::shared_ptr<slot_map const> known);

// The slot of the range in which the key lies. There is at least one range.
std::uint32_t slot_by_range(std::vector<range_start> const& ranges, key const& k) noexcept;

}  // namespace slipway::sharding
