#include <slipway/sharding/slot_map.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::sharding {

task<std::shared_ptr<slot_map const>> read_map(db::session& control, settings const& s,
                                               std::shared_ptr<slot_map const> known) {
  if (known) {
    auto const now = co_await control.query_once("select version from sharding_cluster where id = 1");
    if (!now.empty() && now[0].get<std::int64_t>(0) == known->version) co_return known;
  }
  // One statement, so that slots and version are of one moment.
  auto const found = co_await control.query_once(
      "select m.slot, m.node, m.epoch, c.version from sharding_map m cross join sharding_cluster c order by m.slot");
  auto made = std::make_shared<slot_map>();
  made->slots.reserve(found.size());
  for (auto const& row : found) {
    auto const slot = row.get<std::int64_t>(0);
    auto const name = row.get<std::string>(1);
    auto const node = std::ranges::find(s.nodes, name, &node_settings::name);
    if (node == s.nodes.end())
      throw startup_error{exit_code::config,
                          fmt::format("sharding.nodes: slot {} lies on the node '{}', which is not configured. Add it, "
                                      "or move its slots away with a configuration that has it.",
                                      slot, name)};
    if (slot != static_cast<std::int64_t>(made->slots.size()))
      throw startup_error{exit_code::data, fmt::format("sharding_map has no row for slot {}", made->slots.size())};
    made->slots.push_back({static_cast<std::uint32_t>(node - s.nodes.begin()), row.get<std::int64_t>(2)});
    made->version = row.get<std::int64_t>(3);
  }
  if (made->slots.empty())
    throw startup_error{exit_code::data, "the cluster has not been set up: run `slipway sharding init`"};
  co_return made;
}

std::uint32_t slot_by_range(std::vector<std::string> const& bounds, key const& k) noexcept {
  return static_cast<std::uint32_t>(std::ranges::upper_bound(bounds, k.octets()) - bounds.begin());
}

}  // namespace slipway::sharding
