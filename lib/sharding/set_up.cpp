// What is done once, and again for every new node and table.
#include <slipway/sharding/cluster_parts.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/meta/description.hpp>

#include <fmt/format.h>

#include <ranges>

namespace slipway::sharding {
namespace {

std::string_view name_of(strategy s) noexcept {
  return s == strategy::hash ? "hash" : s == strategy::range ? "range" : "directory";
}

// The bounds of ranges as one text.
std::string ranges_text(settings const& s) {
  std::string out;
  for (auto const& bound : s.ranges) out += fmt::format("{}\n", key{bound}.text());
  return out;
}

// Those with which the cluster was set up, where none are noted yet.
task<> add_bounds(db::transaction& tx) {
  auto const how = co_await tx.query(
      "select ranges from sharding_cluster where id = 1 and strategy = 'range' and not exists (select 1 from "
      "sharding_bounds)");
  if (how.empty()) co_return;
  auto const ranges = how[0].get<std::string>(0);
  co_await tx.execute("insert into sharding_bounds (slot, bound) values (0, '')");
  std::int64_t slot = 0;
  for (auto const line : std::views::split(std::string_view{ranges}, '\n')) {
    std::string_view const written{line.begin(), line.end()};
    if (!written.empty())
      co_await tx.execute("insert into sharding_bounds (slot, bound) values ($1, $2)",
                          {++slot, hex(as_byte_span(key::of_text(written).value().octets()))});
  }
}

// Slot i lies on node i * nodes / slots: neighbours together.
struct share {
  std::int64_t from, to;
};
share share_of(std::size_t node, std::size_t nodes, std::uint32_t slots) {
  auto const first = [&](std::size_t n) { return static_cast<std::int64_t>((n * slots + nodes - 1) / nodes); };
  return {first(node), first(node + 1)};
}

}  // namespace

task<> cluster::make_map() {
  auto const& s = parts_->settings;
  co_await control().transaction([&](db::transaction& tx) -> task<> {
    co_await tx.script(control_schema(tx.dialect()));
    co_await add_missing_columns(tx, schema_part::control);
    auto const made = co_await tx.execute(
        "insert into sharding_cluster (id, cluster, strategy, ranges, slots, version) values (1, $1, $2, $3, $4, 1) on "
        "conflict (id) do nothing",
        {make_uuid7(parts_->clock, parts_->random).text(), std::string{name_of(s.strategy)}, ranges_text(s), s.slots});
    if (made == 0) {
      co_await add_bounds(tx);
      co_return;
    }
    for (std::size_t n = 0; n < s.nodes.size(); ++n) {
      auto const part = share_of(n, s.nodes.size(), s.slots);
      if (part.from == part.to) continue;
      co_await tx.execute(
          "insert into sharding_map (slot, node, epoch) with recursive n (i) as (select cast($1 as bigint) union all "
          "select i + 1 from n where i + 1 < cast($2 as bigint)) select i, cast($3 as varchar(64)), 1 from n",
          {part.from, part.to, s.nodes[n].name});
    }
    co_await add_bounds(tx);
  });
}

task<> cluster::make_node(std::uint32_t index, tables const& all) {
  auto const& name = parts_->settings.nodes[index].name;
  auto const cluster_id =
      (co_await control().query_once("select cluster from sharding_cluster where id = 1"))[0].get<std::string>(0);
  auto const made_before =
      !(co_await control().query_once("select 1 from sharding_nodes where name = $1", {name})).empty();
  // Of a node that is new to the cluster: none. Nodes of the first hour have neighbouring slots.
  auto const dealt = co_await control().query_once(
      "select coalesce(min(slot), 0), coalesce(max(slot) + 1, 0) from sharding_map where node = $1 and epoch = 1",
      {name});
  auto const from = dealt[0].get<std::int64_t>(0), to = dealt[0].get<std::int64_t>(1);
  co_await node(index).transaction([&](db::transaction& tx) -> task<> {
    if (tx.dialect() == db::dialect::postgres) co_await tx.execute("set local lock_timeout = '5s'");
    co_await tx.script(node_schema(tx.dialect()));
    co_await add_missing_columns(tx, schema_part::node);
    auto const known = co_await tx.query("select name, cluster from sharding_node where id = 1");
    if (known.empty()) {
      if (made_before)
        throw startup_error{exit_code::data,
                            fmt::format("the database of the node '{}' was set up before and is empty now: it is not "
                                        "the one that it was. Correct its URL, or restore its backup.",
                                        name)};
      co_await tx.execute("insert into sharding_node (id, cluster, name, version) values (1, $1, $2, 1)",
                          {cluster_id, name});
      if (from < to)
        co_await tx.execute(
            fmt::format("insert into sharding_slots (slot, state, epoch, changed_at) with recursive n (i) as (select "
                        "cast($1 as bigint) union all select i + 1 from n where i + 1 < cast($2 as bigint)) select i, "
                        "'owned', 1, {} from n",
                        now_in(tx.dialect())),
            {from, to});
    }
    for (auto const& t : all) co_await tx.script(guard_schema(t, tx.dialect(), parts_->settings.strategy));
  });
  co_await control().execute("insert into sharding_nodes (name) values ($1) on conflict (name) do nothing", {name});
}

task<> cluster::init(tables all) {
  check_keys(parts_->settings, all);
  co_await check_columns(node(0), parts_->settings, all);
  co_await make_map();
  for (std::uint32_t n = 0; n < size(); ++n) co_await make_node(n, all);
  co_await check();
}

namespace {

task<> refuse_old_schema(db::session& in, schema_part part, std::string whose) {
  auto const missing = co_await missing_column(in, part);
  if (missing)
    throw startup_error{exit_code::data,
                        fmt::format("{} was set up by an older version (there is no {}): run `slipway sharding init` "
                                    "once with this one. Processes of the older version may run on.",
                                    whose, *missing)};
}

}  // namespace

task<> cluster::check(tables all) {
  auto const& s = parts_->settings;
  check_keys(s, all);
  co_await check_columns(node(0), s, std::move(all));
  std::string cluster_id;
  try {
    auto const found =
        co_await control().query_once("select cluster, strategy, ranges, slots from sharding_cluster where id = 1");
    if (found.empty()) throw db::error{"empty"};
    cluster_id = found[0].get<std::string>(0);
    if (found[0].get<std::string>(1) != name_of(s.strategy) || found[0].get<std::string>(2) != ranges_text(s) ||
        found[0].get<std::uint32_t>(3) != s.slots)
      throw startup_error{
          exit_code::config,
          fmt::format("sharding: the cluster was set up with the strategy {} and {} slots, and its rows "
                      "lie by that. Put sharding.strategy, slots and ranges back.",
                      found[0].get<std::string>(1), found[0].get<std::uint32_t>(3))};
  } catch (db::error const&) {
    throw startup_error{exit_code::data, "the cluster has not been set up: run `slipway sharding init`"};
  }
  co_await refuse_old_schema(control(), schema_part::control, "the control database of sharding");
  for (std::uint32_t n = 0; n < size(); ++n) {
    std::string name, cluster, why;
    try {
      auto const found = co_await node(n).query("select name, cluster from sharding_node where id = 1");
      if (!found.empty()) name = found[0].get<std::string>(0), cluster = found[0].get<std::string>(1);
    } catch (db::error const& e) {
      why = fmt::format(" ({})", e.what());
    }
    if (name.empty())
      throw startup_error{
          exit_code::data,
          fmt::format("the node '{}' has not been set up{}: run `slipway sharding init`", s.nodes[n].name, why)};
    if (name != s.nodes[n].name || cluster != cluster_id)
      throw startup_error{exit_code::config,
                          fmt::format("sharding.nodes: the URL of '{}' leads to the node '{}'{}. Correct the URLs.",
                                      s.nodes[n].name, name, cluster == cluster_id ? "" : " of another cluster")};
    co_await refuse_old_schema(node(n), schema_part::node, fmt::format("the node '{}'", name));
  }
  co_await read_map(control(), s, nullptr);
}

}  // namespace slipway::sharding
