#include <slipway/sharding/range_change.hpp>

#include <slipway/core/encoding.hpp>

namespace slipway::sharding {

using std::chrono::milliseconds;

void refuse_usage(std::string const& what) { throw startup_error{exit_code::usage, what}; }

range_change::range_change(cluster& of, tables const& all, mover_options const& o, std::string_view kind, key const& at)
    : of_{of},
      tables_{all},
      octets_{at.octets()},
      options_{o},
      kind_{kind},
      bound_{hex(as_byte_span(octets_))},
      token_{make_uuid7().text()} {}

task<bool> range_change::run() {
  auto const& s = of_.settings();
  if (s.strategy != strategy::range)
    refuse_usage(fmt::format("only ranges can be {}: sharding.strategy is another",
                             kind_ == range_kind::merge ? "merged" : "split"));
  auto const most = s.range_keys == key_kind::number ? 8u : s.range_keys == key_kind::id ? 16u : 1000u;
  if (octets_.empty() || octets_.size() > most)
    refuse_usage(fmt::format("a bound has between 1 and {} octets where keys are what sharding.range_keys says", most));
  check();
  step("reserve");
  if (!co_await reserve()) co_return false;
  // Again: what was reserved keeps new moves away.
  co_await refuse_moving(slots_.from);
  co_await refuse_moving(slots_.into);
  step("claim");
  co_await claim();
  step("divide");
  co_await change();
  step("publish");
  co_await of_.settle(slots_.from, node_);
  if (auto const map = co_await of_.refresh(); !is_told(*map))
    throw unavailable_error{fmt::format(
        "slot {0}: the node has begun the {1}, and the control database knows nothing of it any more: it may have come "
        "back without its last changes. Writes in the slot wait for it; take it up again with `slipway sharding {1} "
        "--at 0x{2}`.",
        slots_.from, kind_, bound_)};
  for (step("relabel"); !co_await relabel(); step("relabel")) co_await sleep_for(milliseconds{20});
  step("finish");
  co_await finish();
  step("forget");
  co_await of_.control().execute("delete from sharding_splits where slot = $1 and made = $2",
                                 {slots_.from, slots_.into});
  step("end");
  co_await of_.refresh();
  co_return true;
}

// False: nothing is left to be done.
task<bool> range_change::reserve() {
  for (unsigned attempt = 0; attempt < 10; ++attempt) {
    auto const map = co_await of_.refresh();
    auto const found = co_await of_.control().query_once("select slot, made, bound, kind from sharding_splits");
    if (found.empty()) {
      auto const wanted = find(*map);
      if (!wanted) co_return false;
      co_await refuse_moving(wanted->from);
      co_await refuse_moving(wanted->into);
      // Nothing, when the map is not what it was: it has to be looked at again.
      co_await of_.control().execute(
          "insert into sharding_splits (id, slot, made, bound, kind) select 1, $1, $2, $3, $4 from sharding_cluster "
          "where version = $5 on conflict (id) do nothing",
          {wanted->from, wanted->into, bound_, kind_, map->version});
      continue;
    }
    slots_ = {found[0].get<std::uint32_t>(0), found[0].get<std::uint32_t>(1)};
    auto const bound = found[0].get<std::string>(2), kind = found[0].get<std::string>(3);
    if (bound != bound_ || kind != kind_)
      refuse_usage(
          fmt::format("another {0} is under way, at 0x{1}: finish it first with `slipway sharding {0} --at "
                      "0x{1}`, or give it up with `slipway sharding give-up {2}`",
                      kind, bound, slots_.from));
    node_ = (co_await of_.refresh())->slots[lasting(kind_, slots_)].node;
    co_return true;
  }
  throw unavailable_error{fmt::format("slots change hands so often that no {} can begin: ask again later", kind_)};
}

task<> range_change::refuse_moving(std::uint32_t slot) const {
  auto const moves =
      co_await of_.control().query_once("select moved_at is null from sharding_moves where slot = $1", {slot});
  if (moves.empty()) co_return;
  if (moves[0].get<bool>(0)) refuse_usage(fmt::format("slot {} is moving: finish that, or give it up", slot));
  refuse_usage(fmt::format(
      "slot {} has moved, and its old copy is still kept: run `slipway sharding clean --wait` first", slot));
}

// The control database first and last: who gives it up does it in the same order, so one of both sees the other.
task<> range_change::claim() {
  auto& control = of_.control();
  auto const mine = co_await control.execute(
      "update sharding_splits set mover = $3 where slot = $1 and made = $2 and bound = $4 and kind = $5",
      {slots_.from, slots_.into, token_, bound_, kind_});
  if (mine == 0) refuse_outrun(slots_.from);
  co_await node().execute("update sharding_node set splitter = $1", {token_});
  if ((co_await control.query_once("select 1 from sharding_splits where mover = $1", {token_})).empty())
    refuse_outrun(slots_.from);
}

task<> range_change::change() {
  for (unsigned attempt = 0; attempt < 20; ++attempt) {
    if (co_await try_to_change()) co_return;
    co_await sleep_for(milliseconds{20 * (attempt + 1)});  // writers first
  }
  throw unavailable_error{fmt::format(
      "slot {}: transactions that write in it lasted longer than sharding.fence ({} ms) 20 times. Nothing was "
      "changed; the {} can be taken up again.",
      slots_.from, of_.settings().fence.count(), kind_)};
}

task<bool> range_change::try_to_change() {
  try {
    co_await node().transaction(
        [this](db::transaction& tx) -> task<> {
          if (tx.dialect() == db::dialect::postgres)
            co_await tx.execute(fmt::format("set local lock_timeout = {}", of_.settings().fence.count()));
          if (!co_await change_slots(tx)) co_return;
          auto const mine =
              co_await tx.execute("update sharding_node set version = version + 1 where splitter = $1", {token_});
          if (mine == 0) refuse_outrun(slots_.from);
        },
        {.attempts = 1});
  } catch (db::conflict_error const&) {
    co_return false;
  }
  co_return true;
}

task<db::rows> range_change::lock(db::transaction& tx, std::uint32_t slot) {
  return tx.query(fmt::format("select state, into_slot from sharding_slots where slot = $1{}",
                              tx.dialect() == db::dialect::postgres ? " for update" : ""),
                  {slot});
}

void range_change::refuse_unless_at_rest(db::rows const& locked, std::uint32_t slot) const {
  auto const held = locked.empty() ? std::string{"not"} : locked[0].get<std::string>(0);
  if (held != state::owned || !locked[0][1].is_null())
    refuse_usage(fmt::format("slot {} is {} on the node {}: when it rests there, the {} can be taken up again", slot,
                             held, of_.settings().nodes[node_].name, kind_));
}

// Whether nothing was left. Rows that others are changing are left out for the next time; no new ones come.
task<bool> range_change::relabel() {
  bool was_done = true;
  for (auto const& t : tables_) {
    auto const carrier = co_await make_carrier(node(), t);
    if (!co_await carrier->is_left(node(), what())) continue;
    was_done = false;
    if (options_.say)
      options_.say(fmt::format("slot {}: rows of {} go into slot {}", slots_.from, t.name, slots_.into));
    co_await relabel_table(*carrier);
  }
  co_return was_done;
}

task<> range_change::relabel_table(row_carrier& carrier) {
  auto const& s = of_.settings();
  std::string after;
  for (;;) {
    auto const done = co_await node().transaction(
        [&](db::transaction& tx) { return carrier.relabel(tx, what(), after, s.move_batch); });
    if (!done) co_return;
    rows_ += done->count;
    // When somebody else has finished it, it may have been taken back since: then the rest would be left for ever.
    auto const known = co_await of_.control().execute(
        "update sharding_splits set relabelled = relabelled + $3 where slot = $1 and made = $2",
        {slots_.from, slots_.into, done->count});
    if (known == 0) refuse_outrun(slots_.from);
    step("relabelled");
    after = done->last;
    if (s.move_pause.count() > 0) co_await sleep_for(s.move_pause);
  }
}

task<bool> has_begun(db::session& node, std::shared_ptr<slot_map const> map, std::string kind, slot_pair slots) {
  if (kind == range_kind::merge && map->slots[slots.from].is_gone) co_return true;
  auto const found = co_await node.query(kind == range_kind::merge
                                             ? "select 1 from sharding_slots where slot = $1 and into_slot is not null"
                                             : "select 1 from sharding_slots where slot = $1",
                                         {kind == range_kind::merge ? slots.from : slots.into});
  co_return !found.empty();
}

// What the node has not begun is forgotten, and who is about to begin it has lost its name there.
task<bool> give_up_range_change(cluster& of, std::uint32_t slot) {
  auto& control = of.control();
  auto const found = co_await control.query_once(
      "select slot, made, kind, bound from sharding_splits where slot = $1 or made = $1", {slot});
  if (found.empty()) co_return false;
  slot_pair const slots{found[0].get<std::uint32_t>(0), found[0].get<std::uint32_t>(1)};
  auto const kind = found[0].get<std::string>(2), bound = found[0].get<std::string>(3);
  auto const token = "given up " + make_uuid7().text();
  co_await control.execute("update sharding_splits set mover = $3 where slot = $1 and made = $2",
                           {slots.from, slots.into, token});
  auto const map = co_await of.refresh();
  co_await of.node(map->slots[lasting(kind, slots)].node).transaction([&](db::transaction& tx) -> task<> {
    co_await tx.execute("update sharding_node set splitter = $1", {token});
    if (co_await has_begun(tx, map, kind, slots))
      throw startup_error{
          exit_code::usage,
          fmt::format("slot {}: it is too late to give the {} up, because the node has begun it. Finish it with "
                      "`slipway sharding {} --at 0x{}`; a {} takes it back.",
                      slots.from, kind, kind, bound,
                      kind == range_kind::merge ? range_kind::split : range_kind::merge)};
  });
  auto const gone = co_await control.execute("delete from sharding_splits where slot = $1 and made = $2 and mover = $3",
                                             {slots.from, slots.into, token});
  if (gone == 0) refuse_outrun(slots.from);
  co_return true;
}

}  // namespace slipway::sharding
