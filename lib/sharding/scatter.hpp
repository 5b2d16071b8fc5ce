// One question to all nodes, and one answer: merged in order, page by page.
//
//   auto found = co_await sharding::gather<&invoice::slot>(
//       all, [&](db::session& in) { return in.from<invoice>().where(col<&invoice::paid> == false); },
//       {desc<&invoice::total>}, cursor, {.limit = 50});
//
// While slots move, their rows are on two nodes for a while. Each node answers for the slots that it owns, and the
// answers hold together only when these are all slots, each once; else it is asked again. Every node answers of a
// moment of its own: changes during the question may be in the answer or not.
//
// It costs every node as much as one answer of this size, and takes as long as the slowest: a question that has a key
// belongs into `cluster::read`. Orders by text are merged by octets, which agrees with the nodes where their collation is
// C (or the column's is).
#pragma once

#include <slipway/sharding/cluster.hpp>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace slipway::sharding {

struct gather_options {
  std::size_t limit = 100;                   // rows of the answer; at most 10,000
  unsigned at_once = 8;                      // nodes that are asked at a time
  std::chrono::milliseconds timeout{5'000};  // for the whole; no longer than the operation's own deadline
  // Without it, a node that does not answer is an unavailable_error: 503. With it, the answer says who is missing.
  bool may_be_partial = false;
};

template <class T>
struct gathered {
  std::vector<T> items;
  std::string next;                  // the cursor of the next page; empty at the end
  std::vector<std::string> missing;  // names of nodes that did not answer
};

namespace detail {

// As the guards know it.
struct held_slot {
  std::int64_t slot = 0;
  std::string state;
};
BOOST_DESCRIBE_STRUCT(held_slot, (), (slot, state))

struct node_answer {
  std::int64_t version = 0;
  std::vector<std::uint32_t> slots;
  std::string error;  // empty: it answered
  bool is_of_one_moment = false;
};

// Runs work(0) to work(count - 1), some at a time, under one deadline; returns when all have ended. `work` throws
// nothing.
task<> for_each(std::size_t count, unsigned at_once, std::chrono::milliseconds timeout,
                std::function<task<>(std::size_t)> work);
// The number of changes in what the node owns.
task<std::int64_t> version_of(db::session& node);
task<std::vector<std::uint32_t>> slots_of(db::session& node);
// Waits, and completes handovers, until it is worth another attempt; throws unavailable_error when patience is over.
// False: what there is fits together.
task<bool> has_to_ask_again(cluster& all, std::vector<node_answer> const& answers, unsigned attempt);
// Negative, zero or positive, as the nodes order them.
int compare_rows(db::table_info const& info, std::string_view orders, void const* a, void const* b);
void check_options(gather_options const& o);
[[noreturn]] void refuse_partial(cluster const& all, std::vector<node_answer> const& answers);

template <class T, class Make>
struct question {
  cluster& all;
  Make& make;
  std::vector<db::order<T>> const& orders;
  std::string const& cursor;
  std::size_t limit;
  std::vector<node_answer> answers;
  std::vector<std::vector<T>> rows;
  std::vector<char> has_more;
  std::optional<fault> refused{};  // the cursor is none
};

}  // namespace detail
}  // namespace slipway::sharding

template <>
inline constexpr auto slipway::db::table_of<slipway::sharding::detail::held_slot> =
    table<slipway::sharding::detail::held_slot>("sharding_slots")
        .primary_key(&slipway::sharding::detail::held_slot::slot);

namespace slipway::sharding {
namespace detail {

// What one node is asked: of its own slots alone.
template <auto Slot, class T, class Make>
auto query_for(db::database& node, Make& make, std::vector<db::order<T>> const& orders) {
  auto own = node.from<held_slot>().where(db::col<&held_slot::state>.in({"owned", "copying", "fenced"}));
  auto query = make(node).where(db::col<Slot>.in(std::move(own).only(db::col<&held_slot::slot>)));
  for (auto const& o : orders) query.order_by(o);
  return query;
}

template <auto Slot, class T, class Make>
task<> ask_node(question<T, Make>& q, std::size_t n) {
  auto& answer = q.answers[n];
  auto& node = q.all.node(static_cast<std::uint32_t>(n));
  try {
    auto const before = co_await version_of(node);
    auto query = query_for<Slot, T>(node, q.make, q.orders);
    auto page = co_await std::move(query).page(q.cursor, q.limit);
    if (!page) {
      q.refused = std::move(page.error());
      co_return;
    }
    answer.slots = co_await slots_of(node);
    answer.version = co_await version_of(node);
    answer.is_of_one_moment = answer.version == before;
    q.has_more[n] = !page->next.empty();
    q.rows[n] = std::move(page->items);
  } catch (std::exception const& e) {
    answer.error = e.what();
  }
}

// The first rows of all, in order.
template <class T>
std::vector<T> merge(std::vector<std::vector<T>>& rows, std::string_view orders, std::size_t limit, bool& has_more) {
  std::vector<std::size_t> at(rows.size(), 0);
  std::vector<T> out;
  for (;;) {
    std::size_t first = rows.size();
    for (std::size_t n = 0; n < rows.size(); ++n)
      if (at[n] < rows[n].size() &&
          (first == rows.size() || compare_rows(db::info_of<T>, orders, &rows[n][at[n]], &rows[first][at[first]]) < 0))
        first = n;
    if (first == rows.size()) return out;
    if (out.size() == limit) {
      has_more = true;
      return out;
    }
    out.push_back(std::move(rows[first][at[first]++]));
  }
}

}  // namespace detail

// `make(db::session&)` gives the query for one node, without order and limit; it may be called several times for each.
// `Slot` is the column with the slot. The fault malformed("bad_cursor") for what is no cursor of this question.
template <auto Slot, class T = db::detail::owner_and_type<decltype(Slot)>::owner, class Make>
task<result<gathered<T>>> gather(cluster& all, Make make, std::vector<db::order<T>> orders = {},
                                 std::string cursor = {}, gather_options o = {}) {
  detail::check_options(o);
  for (unsigned attempt = 1;; ++attempt) {
    detail::question<T, Make> q{all, make, orders, cursor, o.limit, {}, {}, {}};
    q.answers.resize(all.size());
    q.rows.resize(all.size());
    q.has_more.resize(all.size());
    all.note_question(all.size(), attempt > 1);
    co_await detail::for_each(all.size(), o.at_once, o.timeout,
                              [&q](std::size_t n) { return detail::ask_node<Slot>(q, n); });
    if (q.refused) co_return std::move(*q.refused);
    gathered<T> out;
    for (std::uint32_t n = 0; n < all.size(); ++n)
      if (!q.answers[n].error.empty()) out.missing.push_back(all.settings().nodes[n].name);
    if (!out.missing.empty() && (!o.may_be_partial || out.missing.size() == all.size()))
      detail::refuse_partial(all, q.answers);
    if (co_await detail::has_to_ask_again(all, q.answers, attempt)) continue;
    if (!out.missing.empty()) all.note_partial();
    std::string flags;
    for (auto const& each : orders) flags += {static_cast<char>(each.column), each.flags};
    bool has_more = std::ranges::find(q.has_more, 1) != q.has_more.end();
    out.items = detail::merge(q.rows, flags, o.limit, has_more);
    if (has_more && !out.items.empty())
      out.next = detail::query_for<Slot, T>(all.node(0), make, orders).cursor_after(out.items.back());
    co_return std::move(out);
  }
}

}  // namespace slipway::sharding
