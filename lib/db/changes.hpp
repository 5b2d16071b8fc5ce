// Changes by condition, reached through a session (database.hpp): `update`, `remove`, `purge`, `restore`. They never
// see the rows, so no hooks of the table run; single rows are changed by `update(row)` and `remove(row)`.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/db/builder.hpp>

#include <cstdint>
#include <vector>

namespace slipway::db {

namespace detail {

template <class T>
task<std::vector<T>> change_returning(change_ptr change, change_state::kind what) {
  auto& shared = change->shared;
  auto const changed = co_await change_and_read(std::move(change), what);
  std::vector<T> out;
  for (auto const& part : changed)
    for (std::size_t i = 0; i < part.size(); ++i) read_row(shared, info_of<T>, &out.emplace_back(), part, i);
  co_return out;
}

}  // namespace detail

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
  // Marked rows alone: `purge<note>().where(col<&note::deleted_at> < old).only_deleted()`.
  template <class Self>
  Self&& only_deleted(this Self&& self) {
    static_assert(info_of<T>.deleted_at != no_column, "the table has no soft delete");
    self.state_->deleted = detail::deleted_rows::only;
    return std::forward<Self>(self);
  }
  // The number of rows that were changed.
  task<std::int64_t> run(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::change_rows(std::move(state_), what_);
  }
  // The rows as they are now (as they were, when they are removed).
  task<std::vector<T>> returning(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::change_returning<T>(std::move(state_), what_);
  }

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
    static_assert(column::index != info_of<T>.sharded_by,
                  "this column decides where a sharded row lies: a row that is there cannot change it");
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
