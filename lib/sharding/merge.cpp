// Merges a range with the one below it, on the same node: the lower slot's range now ends where the upper one's did, and
// the upper slot takes no new rows, refuses whoever knows it, and is taken away when it is empty. Its number is not used
// again: who has slept for long must not find other keys under it. The way there is range_change.hpp's.
#include <slipway/sharding/range_change.hpp>

#include <algorithm>

namespace slipway::sharding {
namespace {

class one_merge final : public range_change {
 public:
  one_merge(cluster& of, tables const& all, mover_options const& o, key const& at)
      : range_change{of, all, o, range_kind::merge, at} {}

  task<merge_report> merge() {
    if (!co_await run()) co_return merge_report{};
    co_return merge_report{.slot = slots_.into, .gone = slots_.from, .rows = rows_, .was_done = false};
  }

 private:
  void check() const override {}

  std::optional<slot_pair> find(slot_map const& map) override {
    auto const upper = std::ranges::find(map.ranges, octets_, &range_start::bound);
    if (upper == map.ranges.end()) return std::nullopt;
    auto const lower = std::prev(upper);  // the first has no bound
    auto const here = map.slots[upper->slot].node, there = map.slots[lower->slot].node;
    auto const& nodes = of_.settings().nodes;
    if (here != there)
      refuse_usage(
          fmt::format("slot {} lies on the node {}, and slot {} below it on {}: run `slipway sharding move {} "
                      "--to {}` and `slipway sharding clean --wait` first",
                      upper->slot, nodes[here].name, lower->slot, nodes[there].name, upper->slot, nodes[there].name));
    return slot_pair{upper->slot, lower->slot};
  }

  bool is_told(slot_map const& map) const override { return map.slots[slots_.from].is_gone; }
  std::optional<db::value> bound() const override { return std::nullopt; }

  task<bool> change_slots(db::transaction& tx) override {
    auto const lower = co_await lock(tx, slots_.into);
    auto const upper = co_await lock(tx, slots_.from);
    auto const is_begun = upper.empty() || upper[0].get<std::optional<std::uint32_t>>(1) == slots_.into;
    if (is_begun) co_return false;
    refuse_unless_at_rest(lower, slots_.into);
    refuse_unless_at_rest(upper, slots_.from);
    auto const now = now_in(tx.dialect());
    co_await tx.execute(fmt::format("update sharding_slots set high = (select high from sharding_slots where slot = "
                                    "$2), changed_at = {} where slot = $1",
                                    now),
                        {slots_.into, slots_.from});
    // Above the lowest of all keys lies every key.
    co_await tx.execute(
        fmt::format(
            "update sharding_slots set epoch = epoch + 1, high = $2, into_slot = $3, changed_at = {} where slot = $1",
            now),
        {slots_.from, bound_in("", of_.settings().range_keys, tx.dialect()), slots_.into});
    co_return true;
  }

  task<> finish() override {
    co_await refuse_moving(slots_.from);  // one that began in the same moment, and got no further
    co_await node().execute("delete from sharding_slots where slot = $1 and into_slot = $2",
                            {slots_.from, slots_.into});
  }
};

}  // namespace

task<merge_report> merge_ranges(cluster& of, tables const& all, mover_options const& o, key at) {
  auto work = std::make_unique<one_merge>(of, all, o, at);
  co_return co_await work->merge();
}

}  // namespace slipway::sharding
