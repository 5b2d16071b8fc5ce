#include <slipway/sharding/range_change.hpp>

#include <algorithm>
#include <set>

namespace slipway::sharding {

struct mover::parts {
  cluster& of;
  tables all;
  mover_options options;
};

mover::mover(cluster& of, tables all, mover_options o) : parts_{new parts{of, std::move(all), std::move(o)}} {}
mover::~mover() = default;

std::vector<planned_move> plan_moves(slot_map const& map, std::uint32_t nodes, std::vector<std::uint32_t> without) {
  std::vector<std::vector<std::uint32_t>> has(nodes);
  for (std::uint32_t slot = 0; slot < map.slots.size(); ++slot)
    if (!map.slots[slot].is_gone) has[map.slots[slot].node].push_back(slot);
  auto const count = static_cast<std::size_t>(std::ranges::count(map.slots, false, &slot_owner::is_gone));
  auto const is_out = [&](std::uint32_t n) { return std::ranges::find(without, n) != without.end(); };
  std::vector<std::uint32_t> stay;
  for (std::uint32_t n = 0; n < nodes; ++n)
    if (!is_out(n)) stay.push_back(n);
  std::vector<planned_move> out;
  if (stay.empty()) return out;
  // Those that have most may keep the odd ones.
  std::ranges::sort(stay, [&](std::uint32_t a, std::uint32_t b) {
    return has[a].size() != has[b].size() ? has[a].size() > has[b].size() : a < b;
  });
  std::vector<std::size_t> wanted(nodes, 0);
  for (std::size_t i = 0; i < stay.size(); ++i)
    wanted[stay[i]] = count / stay.size() + (i < count % stay.size() ? 1 : 0);
  std::uint32_t to = 0;
  for (std::uint32_t from = 0; from < nodes; ++from)
    while (has[from].size() > wanted[from]) {
      while (has[to].size() >= wanted[to]) ++to;
      out.push_back({has[from].back(), from, to});
      has[to].push_back(has[from].back());
      has[from].pop_back();
    }
  return out;
}

task<move_report> mover::move(std::uint32_t slot, std::uint32_t target) {
  auto work = std::make_unique<one_move>(parts_->of, parts_->all, parts_->options, slot, target);
  co_return co_await work->run();
}

task<split_report> mover::split(key at) { return split_range(parts_->of, parts_->all, parts_->options, std::move(at)); }
task<merge_report> mover::merge(key at) {
  return merge_ranges(parts_->of, parts_->all, parts_->options, std::move(at));
}

task<> remove_rows(db::database& node, tables const& all, std::uint32_t slot, std::string held_as, std::size_t batch) {
  for (auto t = all.rbegin(); t != all.rend(); ++t) {
    auto const carrier = co_await make_carrier(node, *t);
    for (;;) {
      auto const gone = co_await node.transaction([&](db::transaction& tx) -> task<std::int64_t> {
        auto const mine = co_await tx.execute(
            "update sharding_slots set state = 'loading' where slot = $1 and state = $2", {slot, held_as});
        if (mine == 0) refuse_outrun(slot);
        auto const removed = co_await carrier->remove_some(tx, slot, batch);
        co_await tx.execute("update sharding_slots set state = $2 where slot = $1", {slot, held_as});
        co_return removed;
      });
      if (gone == 0) break;
    }
  }
}

task<> mover::give_up(std::uint32_t slot) {
  auto& of = parts_->of;
  auto const found = co_await of.control().query_once(
      "select source, target from sharding_moves where slot = $1 and moved_at is null", {slot});
  if (found.empty()) {
    if (co_await give_up_range_change(of, slot)) co_return;
    refuse_usage(fmt::format("slot {} is not on its way anywhere, and it is not being split or merged", slot));
  }
  auto& source = of.node(of.index_of(found[0].get<std::string>(0)));
  auto& target = of.node(of.index_of(found[0].get<std::string>(1)));
  co_await source.transaction([&](db::transaction& tx) -> task<> {
    co_await tx.execute(
        fmt::format(
            "update sharding_slots set state = 'owned', mover = '', changed_at = {} where slot = $1 and state in "
            "('copying', 'fenced')",
            now_in(tx.dialect())),
        {slot});
    auto const held = co_await tx.query("select state from sharding_slots where slot = $1", {slot});
    if (held.empty() || held[0].get<std::string>(0) != state::owned)
      throw startup_error{
          exit_code::usage,
          fmt::format("slot {} has been handed over already: `slipway sharding move` completes it", slot)};
    co_await tx.execute("delete from sharding_changes where slot = $1", {slot});
  });
  // The mover's own batches are refused from here on, by its name.
  auto const there = co_await target.execute(
      "update sharding_slots set mover = 'given up' where slot = $1 and state = 'incoming'", {slot});
  if (there > 0) co_await remove_rows(target, parts_->all, slot, std::string{state::incoming}, 1000);
  co_await target.execute("delete from sharding_slots where slot = $1 and state = 'incoming'", {slot});
  co_await of.control().execute("delete from sharding_moves where slot = $1 and moved_at is null", {slot});
}

task<std::size_t> mover::clean() {
  auto& of = parts_->of;
  // Who asked just before the move knows the old place for max_age, and may be in the middle of a statement.
  auto const keep = of.settings().max_age + of.settings().refresh + std::chrono::seconds{1};
  auto const found = co_await of.control().query_once(
      fmt::format("select slot, source, moved_at <= {} - $1 from sharding_moves where moved_at is not null",
                  now_in(of.control().dialect())),
      {std::chrono::microseconds{keep}.count()});
  std::size_t young = 0;
  for (auto const& row : found) {
    if (!row.get<bool>(2)) {
      ++young;
      continue;
    }
    auto const slot = row.get<std::uint32_t>(0);
    auto& source = of.node(of.index_of(row.get<std::string>(1)));
    auto const there =
        co_await source.query("select 1 from sharding_slots where slot = $1 and state = 'released'", {slot});
    if (!there.empty()) {
      co_await remove_rows(source, parts_->all, slot, std::string{state::released}, of.settings().move_batch);
      co_await source.execute("delete from sharding_changes where slot = $1", {slot});
      co_await source.execute("delete from sharding_slots where slot = $1 and state = 'released'", {slot});
    }
    co_await of.control().execute("delete from sharding_moves where slot = $1 and moved_at is not null", {slot});
  }
  co_return young;
}

task<std::vector<std::string>> mover::verify() {
  auto& of = parts_->of;
  std::vector<std::string> out;
  auto const map = co_await of.refresh();
  std::vector<std::vector<std::uint32_t>> owners(map->slots.size());
  std::set<std::uint32_t> moving, changing;
  for (auto const& row : co_await of.control().query_once("select slot from sharding_moves"))
    moving.insert(row.get<std::uint32_t>(0));
  for (auto const& row : co_await of.control().query_once("select slot from sharding_splits"))
    changing.insert(row.get<std::uint32_t>(0));
  for (std::uint32_t n = 0; n < of.size(); ++n) {
    auto const& name = of.settings().nodes[n].name;
    for (auto const& row :
         co_await of.node(n).query("select slot, state, into_slot is not null from sharding_slots order by slot")) {
      auto const slot = row.get<std::uint32_t>(0);
      auto const held = row.get<std::string>(1);
      if (slot >= owners.size())
        out.push_back(fmt::format("{} has slot {}, which there is not", name, slot));
      else if (map->slots[slot].is_gone && !row.get<bool>(2))
        out.push_back(fmt::format("{} has slot {}, which was merged into another", name, slot));
      else if (held == state::owned || held == state::copying || held == state::fenced)
        owners[slot].push_back(n);
      if (row.get<bool>(2) && !changing.contains(slot))
        out.push_back(
            fmt::format("{} has begun to split or to merge slot {}, and the control database knows nothing of "
                        "it: repeat the command that began it",
                        name, slot));
      if (held != state::owned && !moving.contains(slot))
        out.push_back(fmt::format("{} has slot {} as {}, and no move is under way", name, slot, held));
    }
    for (auto const& t : parts_->all) {
      if (!co_await has_guard(of.node(n), t, of.settings().strategy))
        out.push_back(
            fmt::format("{} has no guard on {}, or one of another version: run `slipway sharding init`", name, t.name));
      auto const lost = co_await of.node(n).query(fmt::format(
          "select count(*) from {} where {} not in (select slot from sharding_slots)", quoted(t.name), quoted(t.slot)));
      if (auto const count = lost[0].get<std::int64_t>(0); count > 0)
        out.push_back(fmt::format("{} has {} rows of {} in slots that are not its own", name, count, t.name));
      if (of.settings().strategy != strategy::range || t.by.empty()) continue;
      auto const above = co_await of.node(n).query(fmt::format(
          "select count(*) from {0} join sharding_slots s on s.slot = {0}.{1} where s.into_slot is null and "
          "s.state in ('owned', 'copying', 'fenced') and {2} >= s.high",
          quoted(t.name), quoted(t.slot), octets_in(t, of.node(n).dialect(), quoted(t.name) + ".")));
      if (auto const count = above[0].get<std::int64_t>(0); count > 0)
        out.push_back(
            fmt::format("{} has {} rows of {} whose keys lie above the range of their slot", name, count, t.name));
    }
  }
  for (std::uint32_t slot = 0; slot < owners.size(); ++slot) {
    if (map->slots[slot].is_gone) continue;
    auto const& o = owners[slot];
    auto const& mapped = of.settings().nodes[map->slots[slot].node].name;
    if (o.empty())
      out.push_back(fmt::format("slot {} is no node's: the map says {}; `slipway sharding move` completes a handover",
                                slot, mapped));
    else if (o.size() > 1)
      out.push_back(fmt::format("slot {} is {} nodes' at once", slot, o.size()));
    else if (o[0] != map->slots[slot].node)
      out.push_back(fmt::format("slot {} is {}'s, and the map says {}", slot, of.settings().nodes[o[0]].name, mapped));
  }
  co_return out;
}

}  // namespace slipway::sharding
