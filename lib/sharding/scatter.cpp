#include <slipway/sharding/scatter.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::sharding::detail {
namespace {

struct crowd {
  std::size_t next = 0, count = 0, running = 0;
  std::function<task<>(std::size_t)> const& work;
  one_shot all_ended{};
};

task<> work_through(crowd& c) {
  while (c.next < c.count) co_await c.work(c.next++);
  if (--c.running == 0) c.all_ended.fire();
}

// Who waits is cancelled: so are those who work for it, and it waits until they have ended.
struct relay : context::hook {
  explicit relay(context& to) noexcept : child{to} {
    fire = [](context::hook& h, cancel_reason why) { static_cast<relay&>(h).child.cancel(why); };
  }
  ~relay() { context::drop(*this); }
  context& child;
};

int compare_values(db::value const& a, db::value const& b, char flags) {
  if (a.is_null() || b.is_null()) {
    if (a.is_null() && b.is_null()) return 0;
    return a.is_null() == ((flags & db::nulls_first) != 0) ? -1 : 1;
  }
  auto const sign = [](auto const& x, auto const& y) { return x < y ? -1 : y < x ? 1 : 0; };
  int found = 0;
  switch (a.kind()) {
    case db::value_kind::uuid: found = sign(a.id(), b.id()); break;
    case db::value_kind::number: found = sign(a.number(), b.number()); break;
    case db::value_kind::boolean:
    case db::value_kind::integer:
    case db::value_kind::time:
    case db::value_kind::decimal: found = sign(a.integer(), b.integer()); break;
    default: found = sign(a.text(), b.text());
  }
  return (flags & db::descending) != 0 ? -found : found;
}

}  // namespace

task<> for_each(std::size_t count, unsigned at_once, std::chrono::milliseconds timeout,
                std::function<task<>(std::size_t)> work) {
  auto* const parent = co_await this_context{};
  context own;
  own.deadline = context::clock::now() + timeout;
  relay from_parent{own};
  if (parent != nullptr) {
    if (parent->cancelled() != cancel_reason::none) throw cancelled_error{parent->cancelled()};
    own.deadline = std::min(own.deadline, parent->deadline);
    own.correlation_id = parent->correlation_id;
    own.span = parent->span;
    parent->add(from_parent);
  }
  co_await uncancellable();
  crowd all{.count = count, .running = std::min<std::size_t>(std::max(at_once, 1u), count), .work = work};
  for (auto i = all.running; i > 0; --i) start_detached(work_through(all), &own);
  co_await all.all_ended;
  if (parent != nullptr) {
    parent->statements += own.statements;
    parent->statement_ns += own.statement_ns;
    if (parent->cancelled() != cancel_reason::none) throw cancelled_error{parent->cancelled()};
  }
}

task<std::int64_t> version_of(db::session& node) {
  auto const found = co_await node.query("select version from sharding_node where id = 1");
  if (found.empty()) throw unavailable_error{"the node has not been set up"};
  co_return found[0].get<std::int64_t>(0);
}

task<std::vector<std::uint32_t>> slots_of(db::session& node) {
  auto const found =
      co_await node.query("select slot from sharding_slots where state in ('owned', 'copying', 'fenced')");
  std::vector<std::uint32_t> out;
  out.reserve(found.size());
  for (auto const& row : found) out.push_back(row.get<std::uint32_t>(0));
  co_return out;
}

namespace {

// What is known, and what is new where a node has a slot that is not known: of a range that was split.
task<std::shared_ptr<slot_map const>> map_of(cluster& all, std::vector<node_answer> const& answers) {
  auto map = co_await all.map();
  auto const knows = [&map](node_answer const& a) {
    return std::ranges::all_of(a.slots, [&map](std::uint32_t slot) { return slot < map->slots.size(); });
  };
  if (std::ranges::all_of(answers, knows)) co_return map;
  map = co_await all.refresh();
  for (std::uint32_t n = 0; n < answers.size(); ++n) {
    if (knows(answers[n])) continue;
    // Whoever split it has died before it told the map.
    auto const split = co_await all.node(n).query("select slot from sharding_slots where into_slot is not null");
    for (auto const& row : split) co_await all.settle(row.get<std::uint32_t>(0), n);
    map = co_await all.refresh();
  }
  co_return map;
}

}  // namespace

task<bool> has_to_ask_again(cluster& all, std::vector<node_answer> const& answers, unsigned attempt) {
  auto const map = co_await map_of(all, answers);
  std::vector<char> seen(map->slots.size(), 0);
  bool fits = true, is_whole = true;
  for (auto const& a : answers) {
    is_whole = is_whole && a.error.empty();
    fits = fits && (!a.error.empty() || a.is_of_one_moment);
    for (auto const slot : a.slots) fits = fits && slot < seen.size() && seen[slot]++ == 0;
  }
  std::vector<std::uint32_t> nobodys;
  for (std::uint32_t slot = 0; is_whole && slot < seen.size(); ++slot)
    if (seen[slot] == 0 && !map->slots[slot].is_gone) nobodys.push_back(slot);
  if (fits && nobodys.empty()) co_return false;
  if (attempt >= 20)
    throw unavailable_error{"slots change hands so often that no answer holds together: ask again later"};
  co_await sleep_for(std::chrono::milliseconds{5 * attempt});
  for (auto const slot : nobodys) co_await all.settle(slot, map->slots[slot].node);
  if (!nobodys.empty()) co_await all.refresh();  // they may be gone
  co_return true;
}

int compare_rows(db::table_info const& info, std::string_view orders, void const* a, void const* b) {
  auto const compare = [&](std::uint8_t column, char flags) {
    auto const& member = info.row->members[column];
    return compare_values(db::value::of(*member.of, member.at_const(a)), db::value::of(*member.of, member.at_const(b)),
                          flags);
  };
  for (std::size_t i = 0; i < orders.size(); i += 2)
    if (auto const found = compare(static_cast<std::uint8_t>(orders[i]), orders[i + 1]); found != 0) return found;
  // As pages do: the key decides, in the direction of the last order.
  return compare(info.key, orders.empty() ? char{0} : static_cast<char>(orders.back() & db::descending));
}

void check_options(gather_options const& o) {
  if (o.limit < 1 || o.limit > 10'000) throw db::error{"sharding: gather gives between 1 and 10,000 rows"};
}

void refuse_partial(cluster const& all, std::vector<node_answer> const& answers) {
  for (std::size_t n = 0; n < answers.size(); ++n)
    if (!answers[n].error.empty())
      throw unavailable_error{
          fmt::format("the node {} does not answer: {}", all.settings().nodes[n].name, answers[n].error)};
  throw unavailable_error{"no node answers"};
}

}  // namespace slipway::sharding::detail
