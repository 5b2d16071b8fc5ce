#include <slipway/sharding/slot_map.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::sharding {
namespace {

void add_range(slot_map& to, std::uint32_t slot, std::optional<std::string> const& bound) {
  auto const octets = bound ? from_hex(*bound) : std::nullopt;
  if (!octets)
    throw startup_error{exit_code::data, fmt::format("sharding_bounds does not say where the range of slot {} begins: "
                                                     "restore the control database's backup",
                                                     slot)};
  to.ranges.push_back({*octets, slot});
}

}  // namespace

task<std::shared_ptr<slot_map const>> read_map(db::session& control, settings const& s,
                                               std::shared_ptr<slot_map const> known) {
  if (known) {
    auto const now = co_await control.query_once("select version from sharding_cluster where id = 1");
    if (!now.empty() && now[0].get<std::int64_t>(0) == known->version) co_return known;
  }
  // One statement, so that slots, bounds and version are of one moment.
  auto const has_ranges = s.strategy == strategy::range;
  auto const found = co_await control.query_once(
      has_ranges
          ? "select m.slot, m.node, m.epoch, c.version, b.bound from sharding_map m cross join sharding_cluster c "
            "left join sharding_bounds b on b.slot = m.slot order by m.slot"
          : "select m.slot, m.node, m.epoch, c.version from sharding_map m cross join sharding_cluster c order by "
            "m.slot");
  auto made = std::make_shared<slot_map>();
  made->slots.reserve(found.size());
  for (auto const& row : found) {
    auto const slot = row.get<std::int64_t>(0);
    auto const name = row.get<std::string>(1);
    if (slot != static_cast<std::int64_t>(made->slots.size()))
      throw startup_error{exit_code::data, fmt::format("sharding_map has no row for slot {}", made->slots.size())};
    made->version = row.get<std::int64_t>(3);
    if (name.empty()) {
      made->slots.push_back({.epoch = row.get<std::int64_t>(2), .is_gone = true});
      continue;
    }
    auto const node = std::ranges::find(s.nodes, name, &node_settings::name);
    if (node == s.nodes.end())
      throw startup_error{exit_code::config,
                          fmt::format("sharding.nodes: slot {} lies on the node '{}', which is not configured. Add it, "
                                      "or move its slots away with a configuration that has it.",
                                      slot, name)};
    made->slots.push_back({static_cast<std::uint32_t>(node - s.nodes.begin()), row.get<std::int64_t>(2)});
    if (has_ranges) add_range(*made, static_cast<std::uint32_t>(slot), row.get<std::optional<std::string>>(4));
  }
  if (made->slots.empty())
    throw startup_error{exit_code::data, "the cluster has not been set up: run `slipway sharding init`"};
  std::ranges::sort(made->ranges, {}, &range_start::bound);
  if (has_ranges && !made->ranges.front().bound.empty())
    throw startup_error{exit_code::data, "sharding_bounds has no first range"};
  co_return made;
}

std::optional<std::string> slot_map::end_of(std::uint32_t slot) const {
  auto const own = std::ranges::find(ranges, slot, &range_start::slot);
  if (own == ranges.end() || own + 1 == ranges.end()) return std::nullopt;
  return (own + 1)->bound;
}

std::uint32_t slot_by_range(std::vector<range_start> const& ranges, key const& k) noexcept {
  auto const next = std::ranges::upper_bound(ranges, k.octets(), {}, &range_start::bound);
  return std::prev(next)->slot;
}

}  // namespace slipway::sharding
