// Queries: their shape, their statement, their rows.
#include <slipway/db/select_text.hpp>

#include <algorithm>

namespace slipway::db::detail {
namespace {

void move_to(values& to, values& from) {
  for (auto& v : from) to.push_back(std::move(v));
}

statement_ref find_or_make_select(select_state const& s, shape_key const& key, values const& parameters,
                                  select_state::wanted what) {
  auto& cache = s.shared.statements.local();
  if (auto const* found = cache.find(key.view())) [[likely]]
    return {found, nullptr};
  auto made = make_select(s, what);
  for (auto const& v : parameters) made->signature.push_back(v.kind());
  return cache.keep(key.view(), std::move(made));
}

char flags_of(select_state const& s) noexcept {
  return static_cast<char>(static_cast<int>(s.deleted) | static_cast<int>(s.lock) << 2 | (s.limit >= 0) << 4 |
                           (s.limit == 1) << 5 | (s.offset >= 0) << 6);
}

void add_limits(select_state const& s, values& parameters) {
  if (s.limit >= 0 && s.limit != 1) parameters.push_back(s.limit);
  if (s.offset >= 0) parameters.push_back(s.offset);
}

void add_block(shape_key& key, std::string_view block) {
  auto const size = static_cast<std::uint32_t>(block.size());
  key.add({reinterpret_cast<char const*>(&size), sizeof size});
  key.add(block);
}

}  // namespace

run select_state::fetch(wanted what) {
  if (parts) return fetch_parts(what);
  shape_key key{info, static_cast<char>(what)};
  key.add(flags_of(*this));
  key.add(static_cast<char>(orders.size()));
  if (!orders.empty()) key.add(orders);
  key.add(static_cast<char>(after_nulls.size()));
  if (!after_nulls.empty()) key.add(after_nulls);
  key.add(where.code);

  auto& parameters = where.values;
  for (auto& v : after) parameters.push_back(std::move(v));
  if (what == wanted::rows) add_limits(*this, parameters);
  return run{shared, to, find_or_make_select(*this, key, parameters, what), parameters, at, 1, continues};
}

run select_state::fetch_parts(wanted what) {
  auto& p = *parts;
  shape_key key{info, static_cast<char>(static_cast<char>(what) | 64)};
  key.add(flags_of(*this));
  key.add(static_cast<char>(p.distinct ? 1 : 0));
  key.add(static_cast<char>(p.joins.size()));
  values all;
  for (auto& each : p.joins) {
    key.add({reinterpret_cast<char const*>(&each.with), sizeof each.with});
    key.add(static_cast<char>(each.is_left ? 1 : 0));
    add_block(key, each.on.code);
    move_to(all, each.on.values);
  }
  for (auto const* block :
       {&where.code, &p.having.code, &p.outputs, &p.further, &p.groups, &p.orders, &orders, &after_nulls})
    add_block(key, *block);
  move_to(all, where.values);
  // A cursor's condition stands in `where`, before `having`; pages of groups are refused, so one of them is empty.
  move_to(all, after);
  move_to(all, p.having.values);
  if (what == wanted::rows) add_limits(*this, all);
  where.values = std::move(all);
  return run{shared, to, find_or_make_select(*this, key, where.values, what), where.values, at, 1, continues};
}

load_step& select_state::load(std::span<relation const* const> path) {
  if (!loads) loads = std::make_unique<std::vector<load_step>>();
  auto* level = loads.get();
  load_step* found = nullptr;
  for (auto const* each : path) {
    auto const there = std::find_if(level->begin(), level->end(), [&](load_step const& s) { return s.what == each; });
    found = there != level->end() ? &*there : &level->emplace_back(load_step{.what = each});
    level = &found->then;
  }
  return *found;
}

}  // namespace slipway::db::detail
