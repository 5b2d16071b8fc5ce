// Splits a range: what is above a bound gets a slot of its own, step by step, while it is read and written.
//
//   1. The control database keeps what shall be done, and the number of the new slot.
//   2. The node makes the new slot, its own as well, and notes the bound at the old one: one short transaction, which waits
//      for those that write in the slot. From here on it refuses new rows of the old slot above the bound, and whoever
//      does not know the new one.
//   3. The map is told. Whoever is refused before that tells it (cluster::settle).
//   4. Rows above the bound get the new slot, in batches. Both slots are the node's: which one a row says decides nothing.
//   5. When none is left, both are slots like any others.
#include <slipway/sharding/mover_parts.hpp>
#include <slipway/sharding/rows.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::sharding {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void refuse(std::string const& what) { throw startup_error{exit_code::usage, what}; }

class one_split {
 public:
  one_split(cluster& of, tables const& all, mover_options const& o, key const& at)
      : of_{of}, tables_{all}, options_{o}, octets_{at.octets()}, bound_{hex(as_byte_span(octets_))} {}

  task<split_report> run() {
    check();
    step("reserve");
    if (!co_await reserve()) co_return report_;
    co_await refuse_moving(report_.slot);  // again: what was reserved keeps new moves away
    step("divide");
    co_await divide();
    step("publish");
    co_await of_.settle(report_.slot, node_);
    for (step("relabel"); !co_await relabel(); step("relabel")) co_await sleep_for(milliseconds{20});
    step("finish");
    co_await node().execute("update sharding_slots set into_slot = null where slot = $1 and into_slot = $2",
                            {report_.slot, report_.made});
    step("forget");
    co_await of_.control().execute("delete from sharding_splits where slot = $1 and made = $2",
                                   {report_.slot, report_.made});
    step("end");
    co_await of_.refresh();
    co_return report_;
  }

 private:
  void check() const;
  task<bool> reserve();
  task<> refuse_moving(std::uint32_t slot);
  task<> reserve_new(std::uint32_t slot, std::int64_t version);
  task<> divide();
  task<bool> try_to_divide();
  task<bool> relabel();
  void step(std::string_view name) const {
    if (options_.on_step) options_.on_step(name);
  }
  db::database& node() const { return of_.node(node_); }
  split_rows rows() const {
    return {report_.slot, report_.made, bound_in(octets_, of_.settings().range_keys, of_.node(node_).dialect())};
  }

  cluster& of_;
  tables const& tables_;
  mover_options const& options_;
  std::string octets_, bound_;
  std::uint32_t node_ = 0;
  split_report report_;
};

void one_split::check() const {
  auto const& s = of_.settings();
  if (s.strategy != strategy::range) refuse("only ranges can be split: sharding.strategy is another");
  auto const most = s.range_keys == key_kind::number ? 8u : s.range_keys == key_kind::id ? 16u : 1000u;
  if (octets_.empty() || octets_.size() > most)
    refuse(fmt::format("a bound has between 1 and {} octets where keys are what sharding.range_keys says", most));
  for (auto const& t : tables_)
    if (t.by.empty())
      refuse(
          fmt::format("nobody says by what the table {} is sharded: name the column in sharding.tables (by), and run "
                      "`slipway sharding init`",
                      t.name));
}

// False: a range begins there already, and nothing is left to be done.
task<bool> one_split::reserve() {
  for (unsigned attempt = 0; attempt < 10; ++attempt) {
    auto const map = co_await of_.refresh();
    auto const found = co_await of_.control().query_once("select slot, made, bound from sharding_splits");
    if (found.empty()) {
      auto const there = std::ranges::find(map->ranges, octets_, &range_start::bound);
      if (there != map->ranges.end()) {
        report_.slot = std::prev(there)->slot;  // the first has no bound
        report_.made = there->slot;
        report_.was_there = true;
        co_return false;
      }
      co_await reserve_new(slot_by_range(map->ranges, std::string_view{octets_}), map->version);
      continue;
    }
    if (found[0].get<std::string>(2) != bound_)
      refuse(fmt::format("another split is under way, at 0x{}: finish it first, by a split at this bound",
                         found[0].get<std::string>(2)));
    report_.slot = found[0].get<std::uint32_t>(0);
    report_.made = found[0].get<std::uint32_t>(1);
    node_ = map->slots[report_.slot].node;
    co_return true;
  }
  throw unavailable_error{"slots change hands so often that no split can begin: ask again later"};
}

// An old copy elsewhere would say the old slot of rows that come there with the new one.
task<> one_split::refuse_moving(std::uint32_t slot) {
  auto const moves =
      co_await of_.control().query_once("select moved_at is null from sharding_moves where slot = $1", {slot});
  if (moves.empty()) co_return;
  if (moves[0].get<bool>(0)) refuse(fmt::format("slot {} is moving: finish that, or give it up", slot));
  refuse(fmt::format("slot {} has moved, and its old copy is still kept: run `slipway sharding clean --wait` first",
                     slot));
}

// Nothing, when the map is not what it was: it has to be looked at again.
task<> one_split::reserve_new(std::uint32_t slot, std::int64_t version) {
  co_await refuse_moving(slot);
  auto const next = co_await of_.control().query_once("select max(slot) + 1 from sharding_map");
  if (next[0].get<std::int64_t>(0) > 65'535) refuse("there are 65536 slots: no range can be split any more");
  co_await of_.control().execute(
      "insert into sharding_splits (id, slot, made, bound) select 1, $1, (select max(slot) + 1 from sharding_map), $2 "
      "from "
      "sharding_cluster where version = $3 on conflict (id) do nothing",
      {slot, bound_, version});
}

task<> one_split::divide() {
  for (unsigned attempt = 0; attempt < 20; ++attempt) {
    if (co_await try_to_divide()) co_return;
    co_await sleep_for(milliseconds{20 * (attempt + 1)});  // writers first
  }
  throw unavailable_error{fmt::format(
      "slot {}: transactions that write in it lasted longer than sharding.fence ({} ms) 20 times. Nothing was "
      "changed; the split can be taken up again.",
      report_.slot, of_.settings().fence.count())};
}

task<bool> one_split::try_to_divide() {
  try {
    co_await node().transaction(
        [this](db::transaction& tx) -> task<> {
          auto const is_postgres = tx.dialect() == db::dialect::postgres;
          if (is_postgres)
            co_await tx.execute(fmt::format("set local lock_timeout = {}", of_.settings().fence.count()));
          auto const found =
              co_await tx.query(fmt::format("select state, into_slot from sharding_slots where slot = $1{}",
                                            is_postgres ? " for update" : ""),
                                {report_.slot});
          auto const made = co_await tx.query("select 1 from sharding_slots where slot = $1", {report_.made});
          if (!made.empty()) co_return;  // before somebody died
          if (found.empty() || found[0].get<std::string>(0) != state::owned || !found[0][1].is_null())
            refuse(fmt::format("slot {} is {} on the node {}: when it rests there, the split can be taken up again",
                               report_.slot, found.empty() ? "not" : found[0].get<std::string>(0),
                               of_.settings().nodes[node_].name));
          auto const now = now_in(tx.dialect());
          co_await tx.execute(
              fmt::format(
                  "insert into sharding_slots (slot, state, epoch, high, changed_at) select $2, 'owned', epoch + 1, "
                  "high, {} from sharding_slots where slot = $1",
                  now),
              {report_.slot, report_.made});
          co_await tx.execute(
              fmt::format(
                  "update sharding_slots set epoch = epoch + 1, high = $2, into_slot = $3, changed_at = {} where "
                  "slot = $1",
                  now),
              {report_.slot, rows().bound, report_.made});
          co_await tx.execute("update sharding_node set version = version + 1");
        },
        {.attempts = 1});
  } catch (db::conflict_error const&) {
    co_return false;
  }
  co_return true;
}

// Whether nothing is left. Rows that others are changing are left out; no new ones come.
task<bool> one_split::relabel() {
  auto const batch = of_.settings().move_batch;
  bool is_done = true;
  for (auto const& t : tables_) {
    auto const carrier = co_await make_carrier(node(), t);
    auto const before = co_await carrier->count_from(node(), rows());
    if (before == 0) continue;
    if (options_.say)
      options_.say(fmt::format("slot {}: {} rows of {} go into slot {}", report_.slot, before, t.name, report_.made));
    std::string after;
    for (;;) {
      auto const last =
          co_await node().transaction([&](db::transaction& tx) { return carrier->split(tx, rows(), after, batch); });
      if (!last) break;
      step("relabelled");
      after = *last;
      if (of_.settings().move_pause.count() > 0) co_await sleep_for(of_.settings().move_pause);
    }
    auto const left = co_await carrier->count_from(node(), rows());
    report_.rows += before - left;
    is_done = is_done && left == 0;
  }
  co_return is_done;
}

}  // namespace

task<split_report> split_range(cluster& of, tables const& all, mover_options const& o, key at) {
  auto work = std::make_unique<one_split>(of, all, o, at);
  co_return co_await work->run();
}

}  // namespace slipway::sharding
