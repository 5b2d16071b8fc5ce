#include <slipway/sharding/progress.hpp>

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

}  // namespace slipway::sharding
