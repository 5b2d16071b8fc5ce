// The commands of `sharding`, and what `serve` wants of its nodes.
#include "cmd/server/sharding.hpp"

#include "cmd/server/command_line.hpp"
#include "cmd/server/schema.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/json/writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>

namespace app {

sharding::tables sharded_tables(settings const& s) {
  auto all = sharding::tables_of<>();
  for (auto const& t : s.sharding.tables) all.emplace_back(t);
  return all;
}

std::unique_ptr<sharding::cluster> make_cluster(config::loaded<settings> const& in, db::settings const& base,
                                                db::database& control, shards& on, log::logger const& log,
                                                std::function<db::observer*(std::string_view)> const& watch) {
  auto const& s = in.value;
  if (s.sharding.nodes.empty()) return nullptr;
  auto const tables = sharded_tables(s);
  try {
    sharding::check_keys(s.sharding, tables);
    auto all = std::make_unique<sharding::cluster>(s.sharding, base, control, on, watch);
    for (std::uint32_t n = 0; n < all->size(); ++n) require_schema(s, all->node(n), on, log);
    on.run(all->check(tables));
    return all;
  } catch (sharding::setting_error const& e) {
    throw startup_error{e.code(), config::at_its_place(in.came, e.setting(), e.what())};
  }
}

void add_nodes(health::monitor& health, sharding::cluster& all) {
  for (std::uint32_t n = 0; n < all.size(); ++n)
    health.add("node-" + all.settings().nodes[n].name, std::chrono::seconds{2}, true,
               [&all, n] { return all.node(n).ping(); });
}

task<> watch_moves(sharding::cluster& all, middleware::moves_seen& seen, log::logger log) {
  constexpr std::chrono::seconds pause{2};
  for (;; co_await sleep_for(pause)) {
    try {
      seen.set({co_await sharding::progress_of(all), co_await sharding::range_progress_of(all)});
    } catch (cancelled_error const&) {
      throw;
    } catch (std::exception const& error) {
      log.warn("how far slots have moved is not known; it will be asked again", {{"error", error.what()}});
    }
  }
}

namespace {

struct node_line {
  std::string name;
  std::int64_t slots = 0;
  std::string database;
};
BOOST_DESCRIBE_STRUCT(node_line, (), (name, slots, database))
struct moving_line {
  std::uint32_t slot = 0;
  std::string source, target, phase;
  std::int64_t copied = 0, pending = 0;
};
BOOST_DESCRIBE_STRUCT(moving_line, (), (slot, source, target, phase, copied, pending))
struct range_line {
  std::string kind;
  std::uint32_t slot = 0, into = 0;
  std::string bound, node, phase;
  std::int64_t rows = 0;
};
BOOST_DESCRIBE_STRUCT(range_line, (), (kind, slot, into, bound, node, phase, rows))
struct status_view {
  std::int64_t version = 0;
  std::vector<node_line> nodes;
  std::vector<moving_line> moves;
  std::vector<range_line> ranges;  // those that are split or merged: one at a time
};
BOOST_DESCRIBE_STRUCT(status_view, (), (version, nodes, moves, ranges))

using cluster_work = std::function<int(sharding::cluster&, sharding::mover&, shards&)>;

int with_cluster(invocation const& in, bool is_set_up, cluster_work const& work) {
  auto const loaded = in.load();
  auto const& s = loaded.value;
  auto const tables = sharded_tables(s);
  try {
    sharding::check_keys(s.sharding, tables);
    shards on{1};
    auto const main = existing(s.database);
    auto control = db::connect(main, on);
    sharding::cluster all{s.sharding, main, control, on};
    if (is_set_up) on.run(all.check(tables));
    sharding::mover m{all, tables, {.say = [](std::string_view line) { fmt::print("{}\n", line); }}};
    return work(all, m, on);
  } catch (sharding::setting_error const& e) {
    throw startup_error{e.code(), config::at_its_place(loaded.came, e.setting(), e.what())};
  }
}

int with_cluster(invocation const& in, cluster_work const& work) { return with_cluster(in, true, work); }
// Before `init` there is none.
int with_any_cluster(invocation const& in, cluster_work const& work) { return with_cluster(in, false, work); }

[[noreturn]] void refuse_slots(std::string const& text) {
  throw startup_error{exit_code::usage, fmt::format("'{}' names no slots: write 7, 0-99 or 0-99,120", text)};
}

std::vector<std::uint32_t> slots_of(std::string const& text) {
  std::vector<std::uint32_t> out;
  char const* at = text.data();
  auto const end = at + text.size();
  auto const number = [&] {
    std::uint32_t n = 0;
    auto const [rest, wrong] = std::from_chars(at, end, n);
    if (wrong != std::errc{} || n > 65'535) refuse_slots(text);
    at = rest;
    return n;
  };
  for (;;) {
    auto const from = number();
    auto to = from;
    if (at != end && *at == '-') {
      ++at;
      to = number();
    }
    if (to < from) refuse_slots(text);
    for (auto slot = from; slot <= to; ++slot) out.push_back(slot);
    if (at == end) return out;
    if (*at++ != ',') refuse_slots(text);
  }
}

void tell(sharding::move_report const& r) {
  fmt::print("slot {}: {} rows, {} changes meanwhile, {} ms without writes\n", r.slot, r.rows, r.changes,
             r.fenced.count());
}

std::vector<sharding::planned_move> plan(sharding::cluster& all, shards& on, sharding_wish const& wish) {
  std::vector<std::uint32_t> without;
  without.reserve(wish.without.size());
  for (auto const& name : wish.without) without.push_back(all.index_of(name));
  auto moves = sharding::plan_moves(*on.run(all.refresh()), all.size(), without);
  if (wish.at_most > 0 && moves.size() > wish.at_most) moves.resize(wish.at_most);
  return moves;
}

status_view status_of(sharding::cluster& all, shards& on) {
  status_view out;
  auto const map = on.run(all.refresh());
  out.version = map->version;
  for (std::uint32_t n = 0; n < all.size(); ++n)
    out.nodes.push_back({all.settings().nodes[n].name,
                         std::ranges::count_if(map->slots, [n](auto const& o) { return o.node == n && !o.is_gone; }),
                         all.node(n).description()});
  for (auto& m : on.run(sharding::progress_of(all)))
    out.moves.push_back({m.slot, m.source, m.target, m.phase, m.copied, m.pending});
  if (auto const r = on.run(sharding::range_progress_of(all)))
    out.ranges.push_back({r->kind, r->slot, r->into, r->bound, r->node, r->phase, r->rows});
  return out;
}

void show(moving_line const& line) {
  if (line.phase == sharding::phase::kept)
    fmt::print("slot {}: {} -> {}, moved; the old copy is kept until `clean`\n", line.slot, line.source, line.target);
  else
    fmt::print("slot {}: {} -> {}, under way: {}, {} rows copied, {} changes to be carried over\n", line.slot,
               line.source, line.target, line.phase, line.copied, line.pending);
}

// What can be done about it stands there as well: nobody may be working on it.
void show(range_line const& line) {
  auto const what =
      fmt::format("slot {}: {} at {} on {}, into slot {}", line.slot, line.kind, line.bound, line.node, line.into);
  if (line.phase == sharding::phase::beginning)
    fmt::print("{}, not begun; `{} --at {}` does it, `give-up {}` leaves all as it is\n", what, line.kind, line.bound,
               line.slot);
  else
    fmt::print("{}, under way: {} rows are there; `{} --at {}` takes it up if it died\n", what, line.rows, line.kind,
               line.bound);
}

sharding::key bound_of(sharding::cluster const& all, std::string const& text) {
  auto const at = sharding::key::of_text(text, all.settings().range_keys);
  if (!at)
    throw startup_error{exit_code::usage,
                        fmt::format("'{}' is no key as sharding.range_keys says, and no hexadecimal after 0x", text)};
  return *at;
}

}  // namespace

int sharding_init(invocation const& in) {
  auto const tables = sharded_tables(in.load().value);
  return with_any_cluster(in, [&tables](sharding::cluster& all, sharding::mover&, shards& on) {
    on.run(all.init(tables));
    fmt::print("{} nodes are set up, with guards on {} tables\n", all.size(), tables.size());
    return 0;
  });
}

int sharding_status(invocation const& in, bool json) {
  return with_cluster(in, [json](sharding::cluster& all, sharding::mover&, shards& on) {
    auto const now = status_of(all, on);
    if (json) {
      fmt::print("{}\n", json::write(now));
      return 0;
    }
    for (auto const& n : now.nodes) fmt::print("{:<16} {:>6} slots  {}\n", n.name, n.slots, n.database);
    for (auto const& line : now.moves) show(line);
    for (auto const& line : now.ranges) show(line);
    return 0;
  });
}

int sharding_plan(invocation const& in, sharding_wish const& wish) {
  return with_cluster(in, [&wish](sharding::cluster& all, sharding::mover&, shards& on) {
    auto const moves = plan(all, on, wish);
    for (auto const& m : moves)
      fmt::print("slot {}: {} -> {}\n", m.slot, all.settings().nodes[m.source].name,
                 all.settings().nodes[m.target].name);
    fmt::print("{} moves\n", moves.size());
    return 0;
  });
}

int sharding_rebalance(invocation const& in, sharding_wish const& wish) {
  return with_cluster(in, [&wish](sharding::cluster& all, sharding::mover& m, shards& on) {
    for (auto const& each : plan(all, on, wish)) tell(on.run(m.move(each.slot, each.target)));
    return 0;
  });
}

int sharding_move(invocation const& in, sharding_wish const& wish) {
  auto const slots = slots_of(wish.slots);
  return with_cluster(in, [&](sharding::cluster& all, sharding::mover& m, shards& on) {
    auto const target = all.index_of(wish.to);
    for (auto const slot : slots) tell(on.run(m.move(slot, target)));
    return 0;
  });
}

int sharding_split(invocation const& in, sharding_wish const& wish) {
  return with_cluster(in, [&](sharding::cluster& all, sharding::mover& m, shards& on) {
    auto const target = wish.to.empty() ? 0 : all.index_of(wish.to);
    auto const at = bound_of(all, wish.at);
    auto const report = on.run(m.split(at));
    if (report.was_there)
      fmt::print("slot {} begins there already\n", report.made);
    else
      fmt::print("slot {}: keys from {} on are in slot {} now, {} rows\n", report.slot, at.text(), report.made,
                 report.rows);
    if (!wish.to.empty()) tell(on.run(m.move(report.made, target)));
    return 0;
  });
}

int sharding_merge(invocation const& in, sharding_wish const& wish) {
  return with_cluster(in, [&](sharding::cluster& all, sharding::mover& m, shards& on) {
    auto const at = bound_of(all, wish.at);
    auto const report = on.run(m.merge(at));
    if (report.was_done)
      fmt::print("no range begins at {}: there is nothing to merge\n", at.text());
    else
      fmt::print("slot {}: keys from {} on are in slot {} now, {} rows; slot {} is gone\n", report.gone, at.text(),
                 report.slot, report.rows, report.gone);
    return 0;
  });
}

int sharding_ranges(invocation const& in) {
  return with_cluster(in, [](sharding::cluster& all, sharding::mover&, shards& on) {
    auto const map = on.run(all.refresh());
    if (map->ranges.empty()) fmt::print("There are no ranges: sharding.strategy is another.\n");
    for (auto const& r : map->ranges)
      fmt::print("slot {:<6} {:<16} from {}\n", r.slot, all.settings().nodes[map->slots[r.slot].node].name,
                 r.bound.empty() ? "the beginning" : sharding::key{r.bound}.text());
    return 0;
  });
}

int sharding_give_up(invocation const& in, std::uint32_t slot) {
  return with_cluster(in, [slot](sharding::cluster&, sharding::mover& m, shards& on) {
    on.run(m.give_up(slot));
    fmt::print("slot {} stays where it is\n", slot);
    return 0;
  });
}

int sharding_clean(invocation const& in, bool wait) {
  return with_cluster(in, [wait](sharding::cluster&, sharding::mover& m, shards& on) {
    auto young = on.run(m.clean());
    for (; wait && young > 0; young = on.run(m.clean())) on.run(sleep_for(std::chrono::seconds{1}));
    if (young > 0) fmt::print("{} slots have moved too lately: their old copies are still kept\n", young);
    return 0;
  });
}

int sharding_verify(invocation const& in) {
  return with_cluster(in, [](sharding::cluster&, sharding::mover& m, shards& on) {
    auto const wrong = on.run(m.verify());
    for (auto const& each : wrong) fmt::print("{}\n", each);
    if (wrong.empty()) fmt::print("All slots are where they should be.\n");
    return wrong.empty() ? 0 : 1;
  });
}

}  // namespace app
