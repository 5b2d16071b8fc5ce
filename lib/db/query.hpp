// The typed query builder, reached through a session (database.hpp): `from`, `update`, `remove`, `purge`, `restore`.
// A builder is for one use: its last call (`all`, `one`, `run`, ...) takes what was collected and gives a task.
#pragma once

#include <slipway/core/page.hpp>
#include <slipway/core/task.hpp>
#include <slipway/db/builder.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::db {

namespace detail {

template <class T>
task<std::vector<T>> fetch_all(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::rows);
  std::vector<T> out(found.size());
  for (std::size_t i = 0; i < out.size(); ++i) read_row(info_of<T>, &out[i], found, i);
  co_return out;
}
template <class T>
task<result<T>> fetch_one(select_ptr query) {
  query->limit = 1;
  auto found = co_await query->fetch(select_state::wanted::rows);
  if (found.empty()) co_return fault::not_found();
  T row{};
  read_row(info_of<T>, &row, found, 0);
  co_return std::move(row);
}
template <class T>
task<std::optional<T>> fetch_first(select_ptr query) {
  query->limit = 1;
  auto found = co_await query->fetch(select_state::wanted::rows);
  std::optional<T> out;
  if (!found.empty()) read_row(info_of<T>, &out.emplace(), found, 0);
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
  for (std::size_t i = 0; i < out.items.size(); ++i) read_row(info_of<T>, &out.items[i], found, i);
  if (found.size() > limit && limit > 0) out.next = query->cursor_of(&out.items.back());
  co_return std::move(out);
}
inline task<std::int64_t> fetch_count(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::count);
  co_return found[0].get<std::int64_t>(0);
}
inline task<bool> fetch_exists(select_ptr query) {
  auto found = co_await query->fetch(select_state::wanted::exists);
  co_return !found.empty();
}
template <class T>
task<std::vector<T>> change_returning(change_ptr change, change_state::kind what) {
  auto const changed = co_await change_and_read(std::move(change), what);
  std::vector<T> out;
  for (auto const& part : changed)
    for (std::size_t i = 0; i < part.size(); ++i) read_row(info_of<T>, &out.emplace_back(), part, i);
  co_return out;
}

}  // namespace detail

template <stored T>
class selection {
 public:
  selection(detail::core& shared, link& to) : state_{new detail::select_state{shared, to, info_of<T>}} {}

  // Several calls: all must hold.
  template <class Self>
  Self&& where(this Self&& self, condition<T> c) {
    auto& s = *self.state_;
    if (s.where.code.empty())
      s.where = std::move(c).take();
    else
      s.where.join(std::move(c).take(), operation_code::conjunction);
    return std::forward<Self>(self);
  }
  // Nulls last. Without an order the engine may give the rows in any.
  template <class Self, class... More>
  Self&& order_by(this Self&& self, order<T> first, More... more) {
    for (auto const& o : {first, order<T>{more}...}) {
      self.state_->orders.push_back(static_cast<char>(o.column));
      self.state_->orders.push_back(o.descending ? 1 : 0);
    }
    return std::forward<Self>(self);
  }
  template <class Self>
  Self&& limit(this Self&& self, std::size_t rows) {
    self.state_->limit = static_cast<std::int64_t>(rows);
    return std::forward<Self>(self);
  }
  // For admin lists of known size; large offsets cost what they skip. Prefer `page`.
  template <class Self>
  Self&& offset(this Self&& self, std::size_t rows) {
    self.state_->offset = static_cast<std::int64_t>(rows);
    return std::forward<Self>(self);
  }
  // Of a table with soft delete: also marked rows, or marked rows alone.
  template <class Self>
  Self&& with_deleted(this Self&& self) {
    self.state_->deleted = detail::deleted_rows::with;
    return std::forward<Self>(self);
  }
  template <class Self>
  Self&& only_deleted(this Self&& self) {
    static_assert(info_of<T>.deleted_at != no_column, "the table has no soft delete");
    self.state_->deleted = detail::deleted_rows::only;
    return std::forward<Self>(self);
  }
  // Locks the rows until the transaction ends (PostgreSQL, MySQL; on SQLite the transaction holds the only writer anyway).
  template <class Self>
  Self&& for_update(this Self&& self) {
    self.state_->lock = detail::lock_mode::update;
    return std::forward<Self>(self);
  }
  // The same, passing over rows that others have locked: for queues.
  template <class Self>
  Self&& for_update_skip_locked(this Self&& self) {
    self.state_->lock = detail::lock_mode::skip_locked;
    return std::forward<Self>(self);
  }

  task<std::vector<T>> all() { return detail::fetch_all<T>(std::move(state_)); }
  // The first row, or the fault not_found.
  task<result<T>> one() { return detail::fetch_one<T>(std::move(state_)); }
  task<std::optional<T>> first() { return detail::fetch_first<T>(std::move(state_)); }
  task<std::int64_t> count() { return detail::fetch_count(std::move(state_)); }
  task<bool> exists() { return detail::fetch_exists(std::move(state_)); }
  // The rows after the cursor (empty: from the start) in the given order, made total by the primary key. A cursor
  // that was changed, or belongs to a query of another order or table: the fault malformed("bad_cursor").
  task<result<page<T>>> page(std::string_view cursor, std::size_t limit) {
    return detail::fetch_page<T>(std::move(state_), std::string{cursor}, limit);
  }

 private:
  detail::select_ptr state_;
};

// A change whose rows have been named.
template <stored T>
class bounded_change {
 public:
  bounded_change(detail::change_ptr state, detail::change_state::kind what) noexcept
      : state_{std::move(state)}, what_{what} {}

  // Rows of a table with soft delete that are marked are passed over, unless this is said.
  template <class Self>
  Self&& with_deleted(this Self&& self) {
    self.state_->deleted = detail::deleted_rows::with;
    return std::forward<Self>(self);
  }
  // The number of rows that were changed.
  task<std::int64_t> run() { return detail::change_rows(std::move(state_), what_); }
  // The rows as they are now (as they were, when they are removed).
  task<std::vector<T>> returning() { return detail::change_returning<T>(std::move(state_), what_); }

 private:
  detail::change_ptr state_;
  detail::change_state::kind what_;
};

// A change of rows by condition. It does nothing before its rows are named: by `where`, or in words by `everywhere`.
template <stored T>
class change_of {
 public:
  change_of(detail::core& shared, link& to, detail::change_state::kind what)
      : state_{new detail::change_state{shared, to, info_of<T>}}, what_{what} {}

  // The version is counted up and the time of change is set without a word.
  template <class Self, auto Member, class V>
  Self&& set(this Self&& self, column_of<Member>, V const& v) {
    using column = column_of<Member>;
    static_assert(std::same_as<typename column::row, T>, "a column of another table");
    if constexpr (std::same_as<V, std::nullopt_t>) {
      static_assert(column::nullable, "the column is never null");
      self.state_->set(column::index, value::null(kind_of(meta::describe<typename column::member_type>)));
    } else if constexpr (detail::without_optional<V>::nullable) {
      static_assert(column::nullable, "the column is never null");
      self.state_->set(column::index, v ? detail::as_value<typename column::element_type>(*v)
                                        : value::null(kind_of(meta::describe<typename column::member_type>)));
    } else {
      self.state_->set(column::index, detail::as_value<typename column::element_type>(v));
    }
    return std::forward<Self>(self);
  }
  bounded_change<T> where(condition<T> c) {
    state_->where = std::move(c).take();
    return {std::move(state_), what_};
  }
  bounded_change<T> everywhere() { return where(db::everything<T>()); }

 private:
  detail::change_ptr state_;
  detail::change_state::kind what_;
};

}  // namespace slipway::db
