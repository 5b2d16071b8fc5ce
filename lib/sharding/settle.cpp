// What is decided on a node and not known everywhere yet: whoever meets it completes it.
#include <slipway/sharding/cluster_parts.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::sharding {

task<bool> cluster::settle(std::uint32_t slot, std::uint32_t source) {
  auto const of = node(source).dialect();
  auto const found =
      co_await node(source).query("select state, peer, epoch, into_slot from sharding_slots where slot = $1", {slot});
  if (found.empty()) co_return false;
  if (auto const made = found[0].get<std::optional<std::uint32_t>>(3))
    co_return co_await publish_range_change(slot, source, *made, found[0].get<std::int64_t>(2));
  auto const held = found[0].get<std::string>(0), peer = found[0].get<std::string>(1);
  auto const epoch = found[0].get<std::int64_t>(2) + 1;
  if (held == state::fenced) {
    // Whoever moves it has died, or it would have let go. What is written now is noted again.
    auto const longest = std::chrono::microseconds{parts_->settings.fence}.count() * 3;
    co_return co_await node(source).execute(
        fmt::format(
            "update sharding_slots set state = 'copying', changed_at = {0} where slot = $1 and state = 'fenced' "
            "and changed_at < {0} - $2",
            now_in(of)),
        {slot, longest}) > 0;
  }
  auto const target = std::ranges::find(parts_->settings.nodes, peer, &node_settings::name);
  if (held != state::released || target == parts_->settings.nodes.end()) co_return false;
  auto& to = node(static_cast<std::uint32_t>(target - parts_->settings.nodes.begin()));
  co_await to.transaction([&](db::transaction& tx) -> task<> {
    auto const took = co_await tx.execute(
        fmt::format(
            "update sharding_slots set state = 'owned', epoch = $2, mover = '', changed_at = {} where slot = $1 "
            "and state = 'incoming' and epoch < $2",
            now_in(of)),
        {slot, epoch});
    if (took > 0) co_await tx.execute("update sharding_node set version = version + 1");
  });
  auto const own = now_in(control().dialect());
  co_await control().transaction([&](db::transaction& tx) -> task<> {
    auto const told = co_await tx.execute(
        "update sharding_map set node = $2, epoch = $3 where slot = $1 and epoch < $3", {slot, peer, epoch});
    if (told > 0) co_await tx.execute("update sharding_cluster set version = version + 1");
    // Who comes late must not mistake a later move for this one.
    co_await tx.execute(fmt::format("update sharding_moves set moved_at = {} where slot = $1 and target = $2 and "
                                    "moved_at is null and exists (select 1 from sharding_map where slot = $1 and epoch "
                                    "= $3)",
                                    own),
                        {slot, peer, epoch});
  });
  co_return true;
}

namespace {

// Both: false when the map knows it already.
task<bool> note_split(db::transaction& tx, std::uint32_t slot, std::uint32_t made, std::string node, std::string bound,
                      std::int64_t epoch) {
  auto const is_new = co_await tx.execute(
      "insert into sharding_map (slot, node, epoch) values ($1, $2, $3) on conflict (slot) do nothing",
      {made, node, epoch});
  if (is_new == 0) co_return false;
  co_await tx.execute("insert into sharding_bounds (slot, bound) values ($1, $2)", {made, bound});
  co_await tx.execute("update sharding_map set epoch = $2 where slot = $1 and epoch < $2", {slot, epoch});
  co_return true;
}
task<bool> note_merge(db::transaction& tx, std::uint32_t slot, std::int64_t epoch) {
  auto const is_new = co_await tx.execute(
      "update sharding_map set node = '', epoch = $2 where slot = $1 and node <> ''", {slot, epoch});
  if (is_new == 0) co_return false;
  co_await tx.execute("delete from sharding_bounds where slot = $1", {slot});
  co_return true;
}

}  // namespace

task<bool> cluster::publish_range_change(std::uint32_t slot, std::uint32_t at, std::uint32_t into, std::int64_t epoch) {
  co_return co_await control().transaction([&](db::transaction& tx) -> task<bool> {
    auto const found =
        co_await tx.query("select bound, kind from sharding_splits where slot = $1 and made = $2", {slot, into});
    if (found.empty()) co_return false;  // it has been finished meanwhile
    bool const is_merge = found[0].get<std::string>(1) == range_kind::merge;
    auto told = is_merge
                    ? note_merge(tx, slot, epoch)
                    : note_split(tx, slot, into, parts_->settings.nodes[at].name, found[0].get<std::string>(0), epoch);
    if (!co_await std::move(told)) co_return false;
    co_await tx.execute("update sharding_cluster set version = version + 1");
    co_return true;
  });
}

}  // namespace slipway::sharding
