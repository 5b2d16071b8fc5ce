#include <slipway/sharding/progress.hpp>
#include <slipway/sharding/range_change.hpp>

#include <slipway/core/encoding.hpp>

namespace slipway::sharding {

task<std::vector<move_progress>> progress_of(cluster& of) {
  std::vector<move_progress> out;
  auto const found = co_await of.control().query_once(
      "select slot, source, target, copied, moved_at is not null from sharding_moves order by slot");
  for (auto const& row : found) {
    move_progress one{.slot = row.get<std::uint32_t>(0),
                      .source = row.get<std::string>(1),
                      .target = row.get<std::string>(2),
                      .phase = std::string{phase::beginning},
                      .copied = row.get<std::int64_t>(3)};
    if (row.get<bool>(4)) {
      one.phase = phase::kept;
      out.push_back(std::move(one));
      continue;
    }
    try {
      auto const there = co_await of.node(of.index_of(one.source))
                             .query(
                                 "select state, (select count(*) from sharding_changes where slot = $1) from "
                                 "sharding_slots where slot = $1",
                                 {one.slot});
      if (!there.empty()) {
        auto const held = there[0].get<std::string>(0);
        if (held == state::copying) one.phase = phase::copying;
        if (held == state::fenced || held == state::released) one.phase = phase::handing_over;
        one.pending = there[0].get<std::int64_t>(1);
      }
    } catch (unavailable_error const&) {
      // The node's own health tells; what is known of the move is worth telling.
    }
    out.push_back(std::move(one));
  }
  co_return out;
}

task<std::optional<range_progress>> range_progress_of(cluster& of) {
  auto const found =
      co_await of.control().query_once("select kind, slot, made, bound, relabelled from sharding_splits");
  if (found.empty()) co_return std::nullopt;
  range_progress out{.kind = found[0].get<std::string>(0),
                     .slot = found[0].get<std::uint32_t>(1),
                     .into = found[0].get<std::uint32_t>(2),
                     .bound = key{from_hex(found[0].get<std::string>(3)).value_or("")}.text(),
                     .phase = std::string{phase::beginning},
                     .rows = found[0].get<std::int64_t>(4)};
  slot_pair const slots{out.slot, out.into};
  auto const map = co_await of.refresh();
  auto const node = map->slots[lasting(out.kind, slots)].node;
  out.node = of.settings().nodes[node].name;
  try {
    if (co_await has_begun(of.node(node), map, out.kind, slots)) out.phase = phase::relabelling;
  } catch (unavailable_error const&) {
    // The node's own health tells.
  }
  co_return out;
}

}  // namespace slipway::sharding
