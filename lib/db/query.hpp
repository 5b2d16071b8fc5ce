// The typed query builder, reached through a session (database.hpp) by `from`. A builder is for one use: its last
// call (`all`, `one`, `page`, ...) takes what was collected and gives a task.
//
//   db.from<note>().where(col<&note::pinned> == true).with<&note::author>().order_by(desc<&note::id>).all()
//   db.from<user>().join<note>(col<&note::owner_id> == col<&user::id>).group_by(col<&user::email>)
//       .select<author>(col<&user::email>, count()).all()
#pragma once

#include <slipway/db/fetch.hpp>
#include <slipway/db/query_checks.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::db {

// What a query computes instead of rows of its table: into the described struct R, column by column.
template <class R>
class projection {
 public:
  explicit projection(detail::select_ptr state) noexcept : state_{std::move(state)} {}

  task<std::vector<R>> all(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_columns<R>(std::move(state_));
  }
  task<std::optional<R>> first(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_first_columns<R>(std::move(state_));
  }

 private:
  detail::select_ptr state_;
};

// Of the table T, joined with others.
template <class T, class... Joined>
class selection {
  using tables = boost::mp11::mp_list<T, Joined...>;
  template <class S>
  static constexpr bool is_here = boost::mp11::mp_contains<tables, S>::value;
  template <class U, class... More>
  friend class selection;

 public:
  selection(detail::core& shared, link& to)
    requires(sizeof...(Joined) == 0)
      : state_{new detail::select_state{shared, to, info_of<T>}} {}
  explicit selection(detail::select_ptr state) noexcept : state_{std::move(state)} {}

  // Several calls: all must hold.
  template <class Self, class... S>
  Self&& where(this Self&& self, condition<S...> c) {
    static_assert((is_here<S> && ...), "the condition names a table that is not in the query: join it first");
    auto& s = *self.state_;
    if constexpr (sizeof...(Joined) == 0) {
      if (s.where.code.empty())
        s.where = std::move(c).take();
      else
        s.where.join(std::move(c).take(), operation_code::conjunction);
    } else {
      s.where.join(std::move(c).qualified(), operation_code::conjunction);
    }
    return std::forward<Self>(self);
  }

  // Rows of U that belong to those here; a row of T for each. Rows of U that are marked as deleted are not there.
  // A table that takes part twice needs a name for its second role: join<employee, "boss">(...).
  template <stored U, alias_name Name = "", class... S>
  auto join(condition<S...> on) && {
    return std::move(*this).template joined<U, Name>(std::move(on), false);
  }
  // The same, and the rows of T to which nothing belongs.
  template <stored U, alias_name Name = "", class... S>
  auto left_join(condition<S...> on) && {
    return std::move(*this).template joined<U, Name>(std::move(on), true);
  }

  // Without an order the engine may give the rows in any. Nulls last, unless `nulls_first` is said.
  template <class Self, class... More>
  Self&& order_by(this Self&& self, order<T> first, More... more) {
    for (auto const& o : {first, order<T>{more}...}) {
      self.state_->orders.push_back(static_cast<char>(o.column));
      self.state_->orders.push_back(o.flags);
    }
    return std::forward<Self>(self);
  }
  // By what is computed, or by columns of joined tables; after all orders by columns of T.
  template <class Self, class... S>
  Self&& order_by(this Self&& self, expression_order<S...> o) {
    static_assert((is_here<S> && ...), "the order names a table that is not in the query: join it first");
    auto& orders = self.state_->more().orders;
    orders += code_here<S...>(std::move(o.code));
    orders.push_back(static_cast<char>(operation_code::ordered));
    orders.push_back(o.flags);
    return std::forward<Self>(self);
  }
  template <class Self, class U>
    requires(!std::same_as<U, T>)
  Self&& order_by(this Self&& self, order<U> o) {
    std::string const code{static_cast<char>(operation_code::column), static_cast<char>(o.column)};
    return std::forward<Self>(self).order_by(expression_order<U>{code, o.flags});
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
  // No two rows alike.
  template <class Self>
  Self&& distinct(this Self&& self) {
    self.state_->more().distinct = true;
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

  // Loads a relation with the rows, in one statement for all of them, and along a path the relations of what was
  // loaded: with<&user::notes, &note::tags>(). A condition and an order are those of the last relation's rows.
  template <auto... Path, class Self, class... Orders>
  Self&& with(this Self&& self) {
    self.template step<Path...>();
    return std::forward<Self>(self);
  }
  template <auto... Path, class Self, class... Orders>
  Self&& with(this Self&& self, condition<detail::last_target<T, Path...>> c, Orders... orders) {
    auto& step = self.template step<Path...>();
    step.where.join(std::move(c).take(), operation_code::conjunction);
    add_orders<detail::last_target<T, Path...>>(step, orders...);
    return std::forward<Self>(self);
  }
  template <auto... Path, class Self, class... Orders>
  Self&& with(this Self&& self, order<detail::last_target<T, Path...>> first, Orders... more) {
    add_orders<detail::last_target<T, Path...>>(self.template step<Path...>(), first, more...);
    return std::forward<Self>(self);
  }

  // One row for each different value of these, for `select` with aggregates.
  template <class Self, detail::operand... E>
  Self&& group_by(this Self&& self, E const&... by) {
    auto& groups = self.state_->more().groups;
    ((groups += program_of(by)), ...);
    return std::forward<Self>(self);
  }
  template <class Self, class... S>
  Self&& having(this Self&& self, condition<S...> c) {
    static_assert((is_here<S> && ...), "the condition names a table that is not in the query: join it first");
    auto body = [&] {
      if constexpr (sizeof...(Joined) == 0)
        return std::move(c).take();
      else
        return std::move(c).qualified();
    }();
    self.state_->more().having.join(std::move(body), operation_code::conjunction);
    return std::forward<Self>(self);
  }

  // The values of these expressions, into the members of R in their order.
  template <meta::described R, detail::operand... E>
    requires(sizeof...(E) > 0)
  projection<R> select(E const&... columns) && {
    static_assert(meta::describe<R>.members.size() == sizeof...(E),
                  "the struct needs one described member for each selected column");
    if constexpr (meta::describe<R>.members.size() == sizeof...(E))
      static_assert(detail::members_can_hold<R, E...>(),
                    "a member of the struct cannot hold the column that is selected at its place");
    auto& outputs = state_->more().outputs;
    ((outputs += program_of(columns)), ...);
    return projection<R>{std::move(state_)};
  }
  // Columns of T into the members of R that have their names.
  template <meta::described R>
  projection<R> select() && {
    state_->more().outputs = detail::columns_like<R, T>();
    return projection<R>{std::move(state_)};
  }
  // For `in`: a column of the rows that are found.
  template <auto Member>
  auto only(column_of<Member>) && {
    using column = column_of<Member>;
    static_assert(sizeof...(Joined) == 0 && std::same_as<typename column::row, T>,
                  "a query in a condition has one table, and gives one of its columns");
    if (state_->limit >= 0 || state_->offset >= 0 || state_->parts)
      throw error{"a query in a condition knows no limit, groups or distinct rows"};
    return subquery<typename column::element_type>{
        detail::query_program(detail::source<T>::info, state_->deleted, column::index, state_->where.code),
        std::move(state_->where.values)};
  }

  task<std::vector<T>> all(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_all<T>(std::move(state_));
  }
  // The first row, or the fault not_found.
  task<result<T>> one(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_one<T>(std::move(state_));
  }
  task<std::optional<T>> first(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_first<T>(std::move(state_));
  }
  task<std::int64_t> count(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_count(std::move(state_));
  }
  task<bool> exists(std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_exists(std::move(state_));
  }
  // One expression of every row: `pluck(col<&user::email>)`.
  template <detail::operand E>
  auto pluck(E const& what, std::source_location at = std::source_location::current()) {
    state_->at = at;
    state_->more().outputs = program_of(what);
    return detail::fetch_list<typename plucked<E>::type>(std::move(state_));
  }
  // Over all rows. The sum of nothing is zero; the others are empty then.
  template <detail::operand E>
  auto sum(E const& of, std::source_location at = std::source_location::current()) {
    auto const total = db::sum(of);
    state_->at = at;
    state_->more().outputs = program_of(total);
    return detail::fetch_value<detail::value_of<decltype(total)>>(std::move(state_));
  }
  template <detail::operand E>
  auto avg(E const& of, std::source_location at = std::source_location::current()) {
    return one_value(db::avg(of), at);
  }
  template <detail::operand E>
  auto min(E const& of, std::source_location at = std::source_location::current()) {
    return one_value(db::min(of), at);
  }
  template <detail::operand E>
  auto max(E const& of, std::source_location at = std::source_location::current()) {
    return one_value(db::max(of), at);
  }
  // The rows after the cursor (empty: from the start) in the given order, made total by the primary key. A cursor
  // that was changed, or belongs to a query of another order or table: the fault malformed("bad_cursor").
  task<result<page<T>>> page(std::string_view cursor, std::size_t limit,
                             std::source_location at = std::source_location::current()) {
    state_->at = at;
    return detail::fetch_page<T>(std::move(state_), std::string{cursor}, limit);
  }
  // The cursor of the page after this row, wherever the row was read: of lists that are merged from several databases.
  std::string cursor_after(T const& row) {
    state_->tie_break();
    return state_->cursor_of(&row);
  }

 private:
  template <class E>
  struct plucked {
    using type = std::optional<detail::value_of<E>>;
  };
  template <auto Member, alias_name Alias>
  struct plucked<column_of<Member, Alias>> {
    using type = column_of<Member, Alias>::member_type;
  };

  template <class... S>
  static std::string code_here(std::string code) {
    if constexpr (sizeof...(Joined) == 0)
      return code;
    else
      return detail::qualified_code<S...>(std::move(code));
  }
  template <class V, class... S>
  static std::string program_of(expression<V, S...> const& e) {
    static_assert((is_here<S> && ...), "this names a table that is not in the query: join it first");
    return code_here<S...>(e.code());
  }
  template <auto Member, alias_name Alias>
  static std::string program_of(column_of<Member, Alias> c) {
    using column = column_of<Member, Alias>;
    static_assert((info_of<typename column::row>.encrypted >> column::index & 1) == 0,
                  "an encrypted column is read with its whole row");
    return program_of(detail::as_expression(c));
  }
  template <class V, class... S>
  auto one_value(expression<V, S...> const& e, std::source_location at) {
    state_->at = at;
    state_->more().outputs = program_of(e);
    return detail::fetch_value<std::optional<V>>(std::move(state_));
  }
  template <stored U, alias_name Name, class... S>
  auto joined(condition<S...> on, bool is_left) && {
    using added = detail::source_tag<U, Name>::type;
    static_assert(!is_here<added>, "the table is in the query already: give it a name, join<U, \"name\">(...)");
    static_assert(((is_here<S> || std::same_as<S, added>) && ...),
                  "the condition of the join names a table that is not in the query");
    static_assert((std::same_as<S, added> || ...), "the condition of the join does not name the table that is joined");
    state_->more().joins.push_back({&detail::source<added>::info, is_left, std::move(on).qualified()});
    return selection<T, Joined..., added>{std::move(state_)};
  }
  template <auto... Path>
  detail::load_step& step() {
    static_assert(sizeof...(Path) > 0, "name the relation: with<&user::notes>()");
    (void)std::type_identity<detail::last_target<T, Path...>>{};
    relation const* const path[] = {detail::relation_of<Path>()...};
    return state_->load(path);
  }
  template <class U, class... Orders>
  static void add_orders(detail::load_step& to, Orders... orders) {
    for (auto const& o : std::initializer_list<order<U>>{order<U>{orders}...}) {
      to.orders.push_back(static_cast<char>(o.column));
      to.orders.push_back(o.flags);
    }
  }

  detail::select_ptr state_;
};

}  // namespace slipway::db
