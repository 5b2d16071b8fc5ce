// Splits a range: what is above a bound gets a slot of its own. The node makes the new slot, its own as well, and notes
// the bound at the old one: from here on it refuses new rows of the old slot above the bound, and whoever does not know
// the new one. The way there is range_change.hpp's.
#include <slipway/sharding/range_change.hpp>

#include <algorithm>

namespace slipway::sharding {
namespace {

class one_split final : public range_change {
 public:
  one_split(cluster& of, tables const& all, mover_options const& o, key const& at)
      : range_change{of, all, o, range_kind::split, at} {}

  task<split_report> split() {
    if (!co_await run()) co_return report_;
    co_return split_report{.slot = slots_.from, .made = slots_.into, .rows = rows_};
  }

 private:
  void check() const override {
    for (auto const& t : tables_)
      if (t.by.empty())
        refuse_usage(
            fmt::format("nobody says by what the table {} is sharded: name the column in sharding.tables (by), and run "
                        "`slipway sharding init`",
                        t.name));
  }

  std::optional<slot_pair> find(slot_map const& map) override {
    auto const there = std::ranges::find(map.ranges, octets_, &range_start::bound);
    if (there != map.ranges.end()) {  // the first has no bound
      report_ = {.slot = std::prev(there)->slot, .made = there->slot, .was_there = true};
      return std::nullopt;
    }
    if (map.slots.size() > 65'535) refuse_usage("there are 65536 slots: no range can be split any more");
    return slot_pair{slot_by_range(map.ranges, std::string_view{octets_}),
                     static_cast<std::uint32_t>(map.slots.size())};
  }

  bool is_told(slot_map const& map) const override { return map.slots.size() > slots_.into; }
  std::optional<db::value> bound() const override {
    return bound_in(octets_, of_.settings().range_keys, node().dialect());
  }

  task<bool> change_slots(db::transaction& tx) override {
    auto const found = co_await lock(tx, slots_.from);
    if (!(co_await tx.query("select 1 from sharding_slots where slot = $1", {slots_.into})).empty()) {
      // It may have been given up, and its number be another split's now: that one has another bound.
      auto const same =
          co_await tx.query("select 1 from sharding_slots where slot = $1 and high = $2", {slots_.from, *bound()});
      if (same.empty()) refuse_outrun(slots_.from);
      co_return false;
    }
    refuse_unless_at_rest(found, slots_.from);
    auto const now = now_in(tx.dialect());
    co_await tx.execute(
        fmt::format("insert into sharding_slots (slot, state, epoch, high, changed_at) select $2, 'owned', epoch + 1, "
                    "high, {} from sharding_slots where slot = $1",
                    now),
        {slots_.from, slots_.into});
    co_await tx.execute(
        fmt::format(
            "update sharding_slots set epoch = epoch + 1, high = $2, into_slot = $3, changed_at = {} where slot = $1",
            now),
        {slots_.from, *bound(), slots_.into});
    co_return true;
  }

  task<> finish() override {
    co_await node().execute("update sharding_slots set into_slot = null where slot = $1 and into_slot = $2",
                            {slots_.from, slots_.into});
  }

  split_report report_;
};

}  // namespace

task<split_report> split_range(cluster& of, tables const& all, mover_options const& o, key at) {
  auto work = std::make_unique<one_split>(of, all, o, at);
  co_return co_await work->split();
}

}  // namespace slipway::sharding
