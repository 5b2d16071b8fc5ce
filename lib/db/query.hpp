// The typed query builder, reached through a session (database.hpp) by `from`. A builder is for one use: its last
// call (`all`, `one`, `page`, ...) takes what was collected and gives a task.
//
//   db.from<note>().where(col<&note::pinned> == true).with<&note::author>().order_by(desc<&note::id>).all()
//   db.from<user>().join<note>(col<&note::owner_id> == col<&user::id>).group_by(col<&user::email>)
//       .select<author>(col<&user::email>, count()).all()
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
  for (std::size_t i = 0; i < out.size(); ++i) read_row(query->shared, info_of<T>, &out[i], found, i);
  if (query->loads)
    co_await load_related(query->shared, query->to, info_of<T>, out.data(), sizeof(T), out.size(), *query->loads,
                          query->at);
  co_return out;
}
template <class T>
task<result<T>> fetch_one(select_ptr query) {
  query->limit = 1;
  auto found = co_await query->fetch(select_state::wanted::rows);
  if (found.empty()) co_return fault::not_found();
  T row{};
  read_row(query->shared, info_of<T>, &row, found, 0);
  if (query->loads)
    co_await load_related(query->shared, query->to, info_of<T>, &row, sizeof(T), 1, *query->loads, query->at);
  co_return std::move(row);
}
template <class T>
task<std::optional<T>> fetch_first(select_ptr query) {
  query->limit = 1;
  auto found = co_await query->fetch(select_state::wanted::rows);
  std::optional<T> out;
  if (found.empty()) co_return out;
  read_row(query->shared, info_of<T>, &out.emplace(), found, 0);
  if (query->loads)
    co_await load_related(query->shared, query->to, info_of<T>, &*out, sizeof(T), 1, *query->loads, query->at);
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
                          *query->loads, query->at);
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

// Whether a member can hold what an expression gives; null is found out when it is read.
template <class Value, class Member>
inline constexpr bool can_hold = [] {
  using M = without_optional<Member>::type;
  if constexpr (std::is_arithmetic_v<Value> && std::is_arithmetic_v<M>)
    return std::same_as<Value, bool> == std::same_as<M, bool> && (std::integral<Value> || std::floating_point<M>);
  else
    return std::same_as<Value, M> || (std::same_as<Value, std::string> && std::is_enum_v<M>);
}();

template <class R, class... E>
consteval bool members_can_hold() {
  using members = boost::describe::describe_members<R, boost::describe::mod_public | boost::describe::mod_inherited>;
  return []<class... D, class... V>(boost::mp11::mp_list<D...>, boost::mp11::mp_list<V...>) {
    return (can_hold<V, std::remove_cvref_t<decltype(std::declval<R&>().*D::pointer)>> && ...);
  }(boost::mp11::mp_rename<members, boost::mp11::mp_list>{}, boost::mp11::mp_list<value_of<E>...>{});
}

// The column of T with the name and type of a member of R.
template <class T, class D, class R>
consteval std::uint8_t column_like() {
  using wanted = std::remove_cvref_t<decltype(std::declval<R&>().*D::pointer)>;
  std::uint8_t found = no_column, index = 0;
  using members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
  boost::mp11::mp_for_each<members>([&](auto d) {
    using here = std::remove_cvref_t<decltype(std::declval<T&>().*d.pointer)>;
    if constexpr (std::same_as<typename without_optional<here>::type, typename without_optional<wanted>::type>)
      if (std::string_view{decltype(d)::name} == D::name) found = index;
    ++index;
  });
  return found;
}

template <class R, class T>
std::string columns_like() {
  using members = boost::describe::describe_members<R, boost::describe::mod_public | boost::describe::mod_inherited>;
  std::string program;
  boost::mp11::mp_for_each<members>([&program](auto d) {
    constexpr auto index = column_like<T, decltype(d), R>();
    static_assert(index != no_column, "a member of the wanted struct has no column of its name and type in the table");
    static_assert(index == no_column || (info_of<T>.encrypted >> index & 1) == 0,
                  "an encrypted column is read with its whole row");
    program.push_back(static_cast<char>(operation_code::column));
    program.push_back(static_cast<char>(index));
  });
  return program;
}

template <auto Member>
consteval std::uint8_t relation_index() {
  using owner = owner_and_type<decltype(Member)>::owner;
  auto const all = info_of<owner>.relations();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].member == &member_at<Member>) return static_cast<std::uint8_t>(i);
  return no_column;
}
template <auto Member>
relation const* relation_of() {
  constexpr auto index = relation_index<Member>();
  static_assert(
      index != no_column,
      "the relation is not declared: add has_many, has_one, belongs_to or many_to_many to its table's traits");
  return &info_of<typename owner_and_type<decltype(Member)>::owner>.relation_storage[index];
}

template <class Holder>
struct target_of {
  using type = void;  // of several tables
};
template <class Holder>
  requires requires { typename held<Holder>::type; }
struct target_of<Holder> {
  using type = held<Holder>::type;
};
template <class From, auto First, auto... Rest>
struct relation_path {
  using member = owner_and_type<decltype(First)>;
  static_assert(std::same_as<typename member::owner, From>,
                "this relation does not begin where the one before it ends");
  using target = target_of<typename member::type>::type;
  static consteval auto last() {
    if constexpr (sizeof...(Rest) > 0)
      return relation_path<target, Rest...>::last();
    else
      return std::type_identity<target>{};
  }
};
template <class From, auto... Path>
using last_target = decltype(relation_path<From, Path...>::last())::type;

}  // namespace detail

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
