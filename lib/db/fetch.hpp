// What the last call of a query starts: runs it and moves its rows into their types. Included by query.hpp; not for
// applications.
#pragma once

#include <slipway/core/page.hpp>
#include <slipway/core/task.hpp>
#include <slipway/db/builder.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slipway::db::detail {

template <class T>
task<std::vector<T>> fetch_all(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::rows);
  std::vector<T> out(found.size());
  for (std::size_t i = 0; i < out.size(); ++i) read_row(query->shared, info_of<T>, &out[i], found, i);
  if (query->loads)
    co_await load_related(query->shared, query->to, info_of<T>, out.data(), sizeof(T), out.size(), *query->loads,
                          query->at);
  co_return out;
}
template <class T>
task<result<T>> fetch_one(select_ptr query) {
  query->limit = 1;
  T row{};
  if (query->loads) {
    if (!co_await fetch_with_related(*query, &row)) co_return fault::not_found();
    co_return std::move(row);
  }
  auto found = co_await query->fetch(select_state::wanted::rows);
  if (found.empty()) co_return fault::not_found();
  read_row(query->shared, info_of<T>, &row, found, 0);
  co_return std::move(row);
}
template <class T>
task<std::optional<T>> fetch_first(select_ptr query) {
  query->limit = 1;
  std::optional<T> out{std::in_place};
  if (query->loads) {
    if (!co_await fetch_with_related(*query, &*out)) out.reset();
    co_return out;
  }
  auto found = co_await query->fetch(select_state::wanted::rows);
  if (found.empty())
    out.reset();
  else
    read_row(query->shared, info_of<T>, &*out, found, 0);
  co_return out;
}
template <class T>
task<result<page<T>>> fetch_page(select_ptr query, std::string cursor, std::size_t limit) {
  query->tie_break();
  if (!cursor.empty())
    if (auto valid = query->continue_after(cursor); !valid) co_return std::move(valid.error());
  query->limit = static_cast<std::int64_t>(limit) + 1;  // one more row tells whether there is a next page
  auto found = co_await query->fetch(select_state::wanted::rows);
  page<T> out;
  out.items.resize(std::min(found.size(), limit));
  for (std::size_t i = 0; i < out.items.size(); ++i) read_row(query->shared, info_of<T>, &out.items[i], found, i);
  if (found.size() > limit && limit > 0) out.next = query->cursor_of(&out.items.back());
  if (query->loads)
    co_await load_related(query->shared, query->to, info_of<T>, out.items.data(), sizeof(T), out.items.size(),
                          *query->loads, query->at, query->continues);
  co_return std::move(out);
}
template <class R>
task<std::vector<R>> fetch_columns(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::rows);
  std::vector<R> out(found.size());
  for (std::size_t i = 0; i < out.size(); ++i) read_columns(meta::describe<R>, &out[i], found, i);
  co_return out;
}
template <class R>
task<std::optional<R>> fetch_first_columns(select_ptr query) {
  query->limit = 1;
  auto found = co_await query->fetch(select_state::wanted::rows);
  std::optional<R> out;
  if (!found.empty()) read_columns(meta::describe<R>, &out.emplace(), found, 0);
  co_return out;
}
template <class V>
task<std::vector<V>> fetch_list(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::rows);
  std::vector<V> out;
  out.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    V one{};
    read_cell(meta::describe<V>, &one, found.at(i, 0), "result");
    out.push_back(std::move(one));
  }
  co_return out;
}
template <class V>
task<V> fetch_value(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::rows);
  V out{};
  read_cell(meta::describe<V>, &out, found.at(0, 0), "result");
  co_return out;
}
inline task<std::int64_t> fetch_count(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::count);
  co_return found[0].get<std::int64_t>(0);
}
inline task<bool> fetch_exists(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::exists);
  co_return !found.empty();
}

}  // namespace slipway::db::detail
