#include <slipway/sharding/cluster_parts.hpp>

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::sharding {

using std::chrono::milliseconds;

namespace {

void refuse_engine(std::string_view setting, std::string_view whose, db::dialect of) {
  if (of != db::dialect::mysql) return;
  throw setting_error{std::string{setting},
                      fmt::format("{}: {} is of MySQL or MariaDB, which sharding does not know: the guards by which a "
                                  "node refuses what is not its own, and the comparison after a move, are written for "
                                  "PostgreSQL and SQLite. Use PostgreSQL (docs/scaling.md also tells of Vitess).",
                                  setting, whose)};
}

}  // namespace

cluster::cluster(sharding::settings s, db::settings const& base, db::database& control, shards& on,
                 std::function<db::observer*(std::string_view)> const& watch) {
  decode_ranges(s);
  check_settings(s);
  parts_.reset(new parts{.settings = std::move(s),
                         .control = control,
                         .clock = base.clock != nullptr ? *base.clock : system_clock(),
                         .random = base.random != nullptr ? *base.random : system_random(),
                         .nodes = {},
                         .locals = per_shard<parts::local>{on.size()}});
  refuse_engine("database.url", "the main database beside sharding.nodes", control.dialect());
  for (auto const& n : parts_->settings.nodes) {
    auto own = base;
    own.url = n.url;
    if (watch) own.watch = watch(n.name);
    own.replicas.clear();  // they are the main database's
    try {
      parts_->nodes.emplace_back(new db::database{db::connect(own, on)});
    } catch (startup_error const& e) {
      throw startup_error{e.code(), fmt::format("sharding.nodes, {}: {}", n.name, e.what())};
    }
    refuse_engine("sharding.nodes", fmt::format("the node {}", n.name), node(size() - 1).dialect());
    if (node(size() - 1).dialect() != node(0).dialect())
      throw startup_error{exit_code::config, "sharding.nodes: all nodes must be of one engine"};
  }
}

cluster::~cluster() = default;

settings const& cluster::settings() const noexcept { return parts_->settings; }
db::database& cluster::control() noexcept { return parts_->control; }
db::database& cluster::node(std::uint32_t index) noexcept { return *parts_->nodes[index]; }
scatter_usage cluster::scattered() const noexcept {
  auto const get = [](std::atomic<std::uint64_t> const& n) { return n.load(std::memory_order_relaxed); };
  return {get(parts_->questions), get(parts_->asked), get(parts_->repeated), get(parts_->partial)};
}
void cluster::note_question(std::uint32_t nodes, bool is_repeated) noexcept {
  (is_repeated ? parts_->repeated : parts_->questions).fetch_add(1, std::memory_order_relaxed);
  parts_->asked.fetch_add(nodes, std::memory_order_relaxed);
}
void cluster::note_partial() noexcept { parts_->partial.fetch_add(1, std::memory_order_relaxed); }
std::uint32_t cluster::size() const noexcept { return static_cast<std::uint32_t>(parts_->nodes.size()); }

std::uint32_t cluster::index_of(std::string_view name) const {
  auto const& all = parts_->settings.nodes;
  auto const found = std::ranges::find(all, name, &node_settings::name);
  if (found == all.end())
    throw startup_error{exit_code::usage, fmt::format("there is no node '{}' in sharding.nodes", name)};
  return static_cast<std::uint32_t>(found - all.begin());
}

task<std::shared_ptr<slot_map const>> cluster::refresh() {
  auto& here = parts_->locals.local();
  struct flag {
    bool& raised;
    explicit flag(bool& f) : raised{f} { raised = true; }
    ~flag() { raised = false; }
  } const asking{here.is_asking};
  auto const before = parts_->clock.steady();
  here.not_before = before + parts_->settings.refresh;
  try {
    auto now = co_await read_map(parts_->control, parts_->settings, here.map);
    // A slower answer than another's must not take it back.
    if (!here.map || now->version >= here.map->version) here.map = now;
    here.asked_at = std::max(here.asked_at, before);
  } catch (startup_error const& e) {
    throw unavailable_error{e.what()};  // while serving: another process knows more nodes than this one
  }
  co_return here.map;
}

task<std::shared_ptr<slot_map const>> cluster::map() {
  auto& here = parts_->locals.local();
  auto const now = parts_->clock.steady();
  auto const usable = here.map && now - here.asked_at < parts_->settings.max_age;
  if (usable && (here.is_asking || now < here.not_before)) co_return here.map;
  try {
    co_return co_await refresh();
  } catch (unavailable_error const&) {
    if (!usable) throw;
  }
  co_return here.map;
}

task<std::optional<std::uint32_t>> cluster::slot_in_directory(key k) {
  auto& here = parts_->locals.local();
  auto const text = k.text();
  if (auto const known = here.keys.find(text, parts_->settings.directory_cache)) co_return *known;
  auto const found = co_await parts_->control.query_once("select slot from sharding_keys where key = $1", {text});
  if (found.empty()) co_return std::nullopt;
  auto const slot = found[0].get<std::uint32_t>(0);
  here.keys.keep(text, slot, parts_->settings.directory_cache);
  co_return slot;
}

task<std::uint32_t> cluster::slot_of(key k) {
  auto const& s = parts_->settings;
  if (s.strategy == strategy::range) co_return slot_by_range((co_await map())->ranges, k);
  if (s.strategy == strategy::directory)
    if (auto const slot = co_await slot_in_directory(k)) co_return *slot;
  co_return slot_by_hash(k, s.slots);
}

task<std::uint32_t> cluster::slot_for(key k) {
  auto const& s = parts_->settings;
  if (s.strategy != strategy::directory) co_return co_await slot_of(k);
  if (auto const slot = co_await slot_in_directory(k)) co_return *slot;
  // Of two slots by chance the one with fewer keys: that keeps them even without counting all.
  auto const one = static_cast<std::uint32_t>(parts_->random.below(s.slots));
  auto const other = static_cast<std::uint32_t>(parts_->random.below(s.slots));
  auto const fewer = co_await parts_->control.query_once(
      "select (select count(*) from sharding_keys where slot = $1) <= (select count(*) from sharding_keys where slot = "
      "$2)",
      {one, other});
  co_await place_in(k, fewer[0].get<bool>(0) ? one : other);
  co_return (co_await slot_in_directory(k)).value();
}

task<bool> cluster::place_in(key k, std::uint32_t slot) {
  auto const& s = parts_->settings;
  if (s.strategy != strategy::directory || slot >= s.slots)
    throw startup_error{exit_code::usage,
                        fmt::format("sharding.strategy must be directory, and the slot below {}", s.slots)};
  co_await parts_->control.execute("insert into sharding_keys (key, slot) values ($1, $2) on conflict (key) do nothing",
                                   {k.text(), slot});
  co_return co_await slot_in_directory(k) == slot;
}

namespace {

place place_in_map(slot_map const& map, std::uint32_t slot) {
  if (slot >= map.slots.size()) throw db::error{fmt::format("sharding: there is no slot {}", slot)};
  return {slot, map.slots[slot].node, map.slots[slot].epoch};
}

}  // namespace

task<place> cluster::locate(key k) {
  if (parts_->settings.strategy == strategy::range) {
    // Of one map: the next may have the slot merged into another.
    auto const now = co_await map();
    co_return place_in_map(*now, slot_by_range(now->ranges, k));
  }
  auto const slot = co_await slot_of(std::move(k));
  co_return place_in_map(*co_await map(), slot);
}

task<place> cluster::place_for(key k) {
  if (parts_->settings.strategy != strategy::directory) co_return co_await locate(std::move(k));
  auto const slot = co_await slot_for(std::move(k));
  co_return place_in_map(*co_await map(), slot);
}

task<db::database*> cluster::of(key k) {
  auto const at = co_await locate(std::move(k));
  co_return &node(at.node);
}

task<> cluster::hold(db::transaction& tx, place at) {
  auto const found = co_await tx.query(
      fmt::format("select state, epoch from sharding_slots where slot = $1{}", lock_of(tx.dialect())), {at.slot});
  auto held = found.empty() ? std::string{"not"} : found[0].get<std::string>(0);
  if (held == state::owned || held == state::copying) {
    if (found[0].get<std::int64_t>(1) == at.epoch) co_return;
    held += " since another time, after a move or a split,";
  }
  throw db::error{
      fmt::format("sharding: slot {} is {} on the node {}", at.slot, held, parts_->settings.nodes[at.node].name),
      std::string{not_here}};
}

task<bool> cluster::still_has(place at) {
  auto const found = co_await node(at.node).query(
      "select 1 from sharding_slots where slot = $1 and epoch = $2 and state in ('owned', 'copying', 'fenced')",
      {at.slot, at.epoch});
  co_return !found.empty();
}

task<> cluster::after_refusal(place at, attempts& pace) {
  auto& here = parts_->locals.local();
  auto const now = parts_->clock.steady();
  if (pace.count++ == 0) pace.until = now + parts_->settings.patience;
  if (now >= pace.until)
    throw unavailable_error{fmt::format("slot {} is being handed over by the node {} for longer than sharding.patience",
                                        at.slot, parts_->settings.nodes[at.node].name)};
  // Many may wait for one slot: one of a shard asks for all of them.
  if (!here.is_asking && now - here.asked_at >= milliseconds{5}) co_await refresh();
  auto const& known = here.map->slots[at.slot];
  if (known.node != at.node || known.epoch != at.epoch) co_return;
  if (pace.count > 1 && co_await settle(at.slot, at.node)) co_return;
  auto const pause = std::uint64_t{std::min(pace.count, 10u)} * 5 + parts_->random.below(5);
  co_await sleep_for(milliseconds{pause});
}

key cluster::key_of_row(db::table_info const& info, void const* row) {
  auto const& member = info.row->members[info.sharded_by];
  auto const v = db::value::of(*member.of, member.at_const(row));
  switch (v.kind()) {
    case db::value_kind::uuid: return key{v.id()};
    case db::value_kind::text: return key{v.text()};
    case db::value_kind::integer:
    case db::value_kind::time:
    case db::value_kind::boolean: return key{v.integer()};
    default:
      throw db::value_error{
          fmt::format("sharding: {}.{} cannot be a key: text, numbers, times and ids can", info.name, member.name)};
  }
}

void cluster::set_slot(db::table_info const& info, void* row, std::uint32_t slot) noexcept {
  *static_cast<std::int64_t*>(info.row->members[info.slot].at(row)) = slot;
}

}  // namespace slipway::sharding
