// The beginning of a move and its copying; the end is in hand_over.cpp.
#include <slipway/sharding/mover_parts.hpp>

#include <charconv>

namespace slipway::sharding {

void refuse_outrun(std::uint32_t slot) {
  throw startup_error{exit_code::unavailable,
                      fmt::format("slot {}: another process has taken this up, or given it up", slot)};
}

one_move::one_move(cluster& of, tables const& all, mover_options const& o, std::uint32_t slot, std::uint32_t target)
    : of_{of}, tables_{all}, options_{o}, slot_{slot}, target_{target}, token_{make_uuid7().text()} {
  report_.slot = slot;
}

void one_move::step(std::string_view name) const {
  if (options_.on_step) options_.on_step(name);
}

task<move_report> one_move::run() {
  step("begin");
  if (!co_await begin()) co_return report_;
  if (options_.say) options_.say(fmt::format("slot {}: {} -> {}", slot_, name_of(source_), name_of(target_)));
  step("take the source");
  if (co_await take_source()) {
    step("take the target");
    co_await take_target();
    co_await describe_tables();
    co_await copy();
    co_await hand_over();
  }
  step("settle");
  co_await of_.settle(slot_, source_);
  step("end");
  co_return report_;
}

void one_move::refuse_split() const {
  throw startup_error{
      exit_code::usage,
      fmt::format("slot {} is being split or merged: finish that, or give it up (`slipway sharding status` shows it)",
                  slot_)};
}

task<bool> one_move::begin() {
  auto const map = co_await of_.refresh();
  if (slot_ >= map->slots.size())
    throw startup_error{exit_code::usage, fmt::format("there is no slot {}: there are {}", slot_, map->slots.size())};
  if (map->slots[slot_].is_gone)
    throw startup_error{
        exit_code::usage,
        fmt::format("slot {} was merged into another: `slipway sharding ranges` shows those that there are", slot_)};
  auto& control = of_.control();
  auto const read = [&control, this] {
    return control.query_once(
        "select source, target, position, moved_at is not null, copied from sharding_moves where slot = $1", {slot_});
  };
  auto found = co_await read();
  if (found.empty()) {
    if (map->slots[slot_].node == target_) co_return false;
    if (!(co_await control.query_once("select 1 from sharding_splits where slot = $1 or made = $1", {slot_})).empty())
      refuse_split();
    co_await control.execute(
        "insert into sharding_moves (slot, source, target, mover, position) values ($1, $2, $3, $4, '') on conflict "
        "(slot) do nothing",
        {slot_, name_of(map->slots[slot_].node), name_of(target_), token_});
    found = co_await read();
    if (found.empty()) refuse_outrun(slot_);
  }
  auto const from = found[0].get<std::string>(0), to = found[0].get<std::string>(1);
  source_ = of_.index_of(from);
  position_ = found[0].get<std::string>(2);
  copied_ = found[0].get<std::int64_t>(4);
  if (found[0].get<bool>(3)) {
    if (to == name_of(target_)) co_return false;
    throw unavailable_error{
        fmt::format("slot {} has moved from {} to {} a moment ago, and the old copy is still kept "
                    "for processes that do not know: run `slipway sharding clean` later",
                    slot_, from, to)};
  }
  if (to != name_of(target_))
    throw startup_error{
        exit_code::usage,
        fmt::format("slot {} is on its way from {} to {}: finish that move, or give it up", slot_, from, to)};
  co_await control.execute("update sharding_moves set mover = $2 where slot = $1", {slot_, token_});
  co_return true;
}

task<bool> one_move::take_source() {
  co_return co_await source().transaction([this](db::transaction& tx) -> task<bool> {
    if (tx.dialect() == db::dialect::postgres)
      co_await tx.execute(fmt::format("set local lock_timeout = {}", of_.settings().fence.count()));
    auto const lock = tx.dialect() == db::dialect::sqlite ? "" : " for update";
    auto const found = co_await tx.query(
        fmt::format("select state, epoch, peer, into_slot is not null or exists (select 1 from sharding_slots where "
                    "into_slot = $1), high is not null from sharding_slots where slot = $1{}",
                    lock),
        {slot_});
    auto const held = found.empty() ? std::string{} : found[0].get<std::string>(0);
    if (held == state::released && found[0].get<std::string>(2) == name_of(target_)) co_return false;
    if (held != state::owned && held != state::copying && held != state::fenced)
      throw startup_error{
          exit_code::data,
          fmt::format("the node {} does not have slot {}: run `slipway sharding verify`", name_of(source_), slot_)};
    if (found[0].get<bool>(3)) refuse_split();
    is_bounded_ = found[0].get<bool>(4);
    epoch_ = found[0].get<std::int64_t>(1);
    if (held == state::owned) {
      // Nothing has been noted yet, so nothing that was copied before can be relied on.
      position_.clear(), copied_ = 0;
      co_await tx.execute("delete from sharding_changes where slot = $1", {slot_});
    }
    co_await tx.execute(
        fmt::format("update sharding_slots set state = 'copying', mover = $2, changed_at = {} where slot = $1",
                    now_in(tx.dialect())),
        {slot_, token_});
    co_return true;
  });
}

task<> one_move::take_target() {
  // The target refuses keys above the slot's range as the source does, since it was split.
  auto high = db::value::null(db::value_kind::bytes);
  if (is_bounded_)
    if (auto const end = (co_await of_.refresh())->end_of(slot_))
      high = bound_in(*end, of_.settings().range_keys, target().dialect());
  co_await target().transaction([this, &high](db::transaction& tx) -> task<> {
    auto const lock = tx.dialect() == db::dialect::sqlite ? "" : " for update";
    auto const found =
        co_await tx.query(fmt::format("select state from sharding_slots where slot = $1{}", lock), {slot_});
    if (!found.empty() && found[0].get<std::string>(0) != state::incoming)
      throw startup_error{exit_code::data, fmt::format("the node {} has slot {} as {}: run `slipway sharding verify`",
                                                       name_of(target_), slot_, found[0].get<std::string>(0))};
    if (found.empty()) position_.clear(), copied_ = 0;
    co_await tx.execute(
        fmt::format(
            "insert into sharding_slots (slot, state, epoch, mover, high, changed_at) values ($1, 'incoming', $2, $3, "
            "$4, {0}) on conflict (slot) do update set epoch = excluded.epoch, mover = excluded.mover, high = "
            "excluded.high, changed_at = excluded.changed_at",
            now_in(tx.dialect())),
        {slot_, epoch_, token_, high});
  });
  if (position_.empty()) co_await remove_rows(target(), tables_, slot_, std::string{state::incoming}, 1000);
}

task<> one_move::describe_tables() {
  for (auto const& t : tables_) {
    auto here = co_await make_carrier(source(), t);
    auto const there = co_await make_carrier(target(), t);
    if (here->columns() != there->columns())
      throw startup_error{exit_code::data,
                          fmt::format("the table {} is not the same on {} ({}) and {} ({}): run `slipway migrate up`",
                                      t.name, name_of(source_), here->columns(), name_of(target_), there->columns())};
    carriers_.push_back(options_.through ? options_.through(std::move(here)) : std::move(here));
  }
}

// "2:key": rows of the tables before the third have been copied, and of the third those up to this key.
task<> one_move::keep_position(std::size_t table, std::string const& after) {
  position_ = fmt::format("{}:{}", table, after);
  auto const mine = co_await of_.control().execute(
      "update sharding_moves set position = $2, copied = $4 where slot = $1 and mover = $3",
      {slot_, position_, token_, copied_});
  if (mine == 0) refuse_outrun(slot_);
}

task<> one_move::copy() {
  std::size_t first = 0;
  std::string after;
  if (!position_.empty()) {
    auto const colon = position_.find(':');
    std::from_chars(position_.data(), position_.data() + colon, first);
    after = position_.substr(colon + 1);
  }
  for (auto t = first; t < carriers_.size(); ++t) {
    co_await copy_table(t, t == first ? after : std::string{});
    co_await keep_position(t + 1, "");
  }
}

task<> one_move::copy_table(std::size_t table, std::string after) {
  auto& carrier = *carriers_[table];
  unsigned in_vain = 0;
  for (;;) {
    step("copy");
    auto const rows = co_await carrier.read(source(), slot_, after, of_.settings().move_batch);
    if (rows.count == 0) co_return;
    if (!co_await write(carrier, rows)) {
      // A row refers to one that came after its table was copied.
      if (++in_vain > 20)
        throw startup_error{
            exit_code::data,
            fmt::format("slot {}: rows of {} refer to rows that are not in the same slot, or the tables "
                        "are not given in the order of their references",
                        slot_, carrier.of().name)};
      co_await catch_up_once();
      continue;
    }
    in_vain = 0;
    after = rows.last;
    copied_ += static_cast<std::int64_t>(rows.count);
    co_await keep_position(table, after);
    if (of_.settings().move_pause.count() > 0) co_await sleep_for(of_.settings().move_pause);
  }
}

task<bool> one_move::write(row_carrier& carrier, batch const& rows) {
  try {
    co_await load([&](db::transaction& tx) { return carrier.write(tx, rows); });
  } catch (db::constraint_error const& e) {
    if (e.kind() != db::constraint_kind::foreign_key && e.kind() != db::constraint_kind::unique) throw;
    co_return false;
  }
  co_return true;
}

task<bool> one_move::remove(row_carrier& carrier, batch const& keys, batch const& found) {
  try {
    co_await load([&](db::transaction& tx) { return carrier.remove_missing(tx, slot_, keys, found); });
  } catch (db::constraint_error const& e) {
    if (e.kind() != db::constraint_kind::foreign_key) throw;
    co_return false;
  }
  co_return true;
}

// Every table goes its way alone, so that parents come though their children cannot yet, and the reverse for removals.
// What could not be done stays noted. Rows and notes are of one moment.
task<std::int64_t> one_move::catch_up_once() {
  std::vector<change_list> lists(carriers_.size());
  std::vector<batch> found(carriers_.size());
  co_await source().transaction(
      [&](db::transaction& tx) -> task<> {
        for (std::size_t t = 0; t < carriers_.size(); ++t) {
          lists[t] = co_await carriers_[t]->changes(tx, slot_, of_.settings().move_batch);
          found[t] = lists[t].ids.empty() ? batch{} : co_await carriers_[t]->read_keys(tx, slot_, lists[t].keys);
        }
      },
      {.level = db::isolation::repeatable_read});
  std::vector<char> blocked(carriers_.size());
  for (auto t = carriers_.size(); t-- > 0;)
    if (!lists[t].ids.empty()) blocked[t] = co_await remove(*carriers_[t], lists[t].keys, found[t]) ? 0 : 1;
  std::int64_t done = 0;
  for (std::size_t t = 0; t < carriers_.size(); ++t) {
    if (lists[t].ids.empty()) continue;
    if (!co_await write(*carriers_[t], found[t]) || blocked[t] != 0) continue;
    done += static_cast<std::int64_t>(lists[t].ids.size());
    co_await forget_changes(source(), std::move(lists[t].ids));
  }
  report_.changes += done;
  co_return done;
}

}  // namespace slipway::sharding
