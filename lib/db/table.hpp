// What makes a described struct a table's row. Columns are its members, by name and in their order.
//
//   template <> inline constexpr auto slipway::db::table_of<user> =
//       table<user>("users").soft_delete(&user::deleted_at).timestamps(&user::created_at, &user::updated_at)
//                           .unique(&user::email).personal(&user::email)
//                           .has_many<&user::files>(&file::owner_id);
//
// What is wrong does not compile: a member that is not described, a foreign key of another type than the key.
#pragma once

#include <slipway/db/table_info.hpp>
#include <slipway/db/table_rules.hpp>
#include <slipway/db/unique_key.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

namespace slipway::db {
// Of a polymorphic relation: rows whose type column has this enumerator.
template <class Child, class E>
struct type_is {
  E Child::* column;
  E value;
};
template <class Child, class E>
type_is(E Child::*, E) -> type_is<Child, E>;

// Of belongs_to_any: this enumerator means this table.
template <class Target, class E>
struct means_table {
  E value;
};
template <class Target, class E>
constexpr means_table<Target, E> means(E value) {
  return {value};
}

// Every function returns the table with one more thing said. A member that is not described does not compile.
template <class T>
class table {
 public:
  static_assert(meta::describe<T>.members.size() <= max_columns, "a table has at most 64 columns");

  // The primary key is the member `id`, unless `primary_key` says otherwise.
  constexpr explicit table(std::string_view name) {
    info_.name = name;
    info_.row = &meta::describe<T>;
    for (std::size_t i = 0; i < info_.row->members.size(); ++i)
      if (info_.row->members[i].name == "id") info_.key = static_cast<std::uint8_t>(i);
  }

  // uuid or id_of: made by `insert` when nil. An integer: given by the database when zero.
  template <class M>
  constexpr table primary_key(M T::* member) const {
    return set(&table_info::key, member);
  }
  // Rows are marked instead of removed, and queries pass over marked ones.
  constexpr table soft_delete(std::optional<time_point> T::* member) const {
    return set(&table_info::deleted_at, member);
  }
  // Kept by the builder: `created` at insert, `updated` at every change.
  constexpr table timestamps(time_point T::* created, time_point T::* updated) const {
    return set(&table_info::created_at, created).set(&table_info::updated_at, updated);
  }
  // Counts the changes; `update(row)` refuses a row that somebody changed meanwhile.
  template <std::integral M>
  constexpr table version(M T::* member) const {
    return set(&table_info::version, member);
  }
  // Rows lie on several databases (lib/sharding): those with the same `key` together, and `slot` is the column that
  // says in which slot that is. Neither ever changes.
  template <class M>
  constexpr table sharded_by(M T::* key, std::int64_t T::* slot) const {
    static_assert(!std::is_floating_point_v<M>, "rows are not found by a number that is only nearly equal");
    if (info_.key == no_column) throw "a sharded table needs a primary key of one column";
    return set(&table_info::sharded_by, key).set(&table_info::slot, slot).checked();
  }
  // Parts of the table by time (lib/partitions): `partition_by_range(&event::at, months{1}, {.ahead = 3, .keep = 12})`.
  // By a time, a date, or an id of version 7, which begins with its time and can stay the primary key alone.
  template <class M>
  constexpr table partition_by_range(M T::* member, period every, partition_upkeep upkeep = {}) const {
    constexpr auto kind = detail::partition_column<M>;
    static_assert(kind, "a table is parted by time: the column is a time_point, a date or an id of version 7");
    auto copy = *this;
    copy.info_.partitions = {
        .kind = partition_kind::range, .column = index_of(member), .every = every, .upkeep = upkeep};
    return copy.checked();
  }
  // Into so many parts of the same size.
  template <class M>
  constexpr table partition_by_hash(M T::* member, std::uint16_t parts) const {
    if (parts < 2 || parts > 1024) throw "between 2 and 1024 parts";
    auto copy = *this;
    copy.info_.partitions = {.kind = partition_kind::hash, .column = index_of(member), .parts = parts};
    return copy.checked();
  }
  // A part for each of these values, at most 16: `partition_by_list(&order::region, "eu", "us")`.
  template <class M, class... V>
  constexpr table partition_by_list(M T::* member, V... values) const {
    static_assert(sizeof...(V) > 0 && sizeof...(V) <= 16, "between 1 and 16 values");
    auto copy = *this;
    copy.info_.partitions = {.kind = partition_kind::list, .column = index_of(member)};
    for (std::string_view v : {std::string_view{values}...})
      copy.info_.partitions.value_storage[copy.info_.partitions.value_count++] = v;
    return copy.checked();
  }
  // No two rows have the same in these columns together; rows in which one of them is null do not count. A violation
  // is named after them, in this order (unique_key.hpp). The last argument may leave rows out:
  // `unique(&user::email, where_null(&user::deleted_at))`.
  template <class... A>
  constexpr table unique(A... members_and_condition) const {
    return with_index(true, members_and_condition...);
  }
  // Rows are looked for, or put in order, by these columns: the first alone, the first two, ...
  template <class... A>
  constexpr table index(A... members_and_condition) const {
    return with_index(false, members_and_condition...);
  }
  // Personal data: export and erasure find it.
  template <class... M>
  constexpr table personal(M T::*... members) const {
    auto copy = *this;
    ((copy.info_.personal |= std::uint64_t{1} << index_of(members)), ...);
    return copy;
  }
  // Written and read through the codec of the settings, in a column of bytes. It cannot be searched.
  template <class... M>
  constexpr table encrypted(M T::*... members) const {
    auto copy = *this;
    ((copy.info_.encrypted |= std::uint64_t{1} << index_of(members)), ...);
    static_assert((detail::can_be_encrypted<M> && ...), "only text and what is stored as JSON can be encrypted");
    copy.info_.is_plain = false;
    return copy.checked();
  }
  // A list that PostgreSQL keeps as an array of its own (text[], bigint[], ...) and other engines as JSON.
  template <class... M>
  constexpr table array(std::vector<M> T::*... members) const {
    auto copy = *this;
    ((copy.info_.arrays |= std::uint64_t{1} << index_of(members)), ...);
    return copy;
  }

  // Rows of another table whose column holds this one's key, loaded into a member db::many or db::one. Of several
  // candidates for a has_one, any is taken: make the foreign key `unique`.
  template <auto Member, class Child, class M>
  constexpr table has_many(M Child::* foreign_key) const {
    using holder = detail::owner_and_type<decltype(Member)>::type;
    static_assert(detail::held<holder>::is_many, "the member that holds a has_many is a db::many");
    return has<Member>(relation_kind::has_many, foreign_key);
  }
  template <auto Member, class Child, class M>
  constexpr table has_one(M Child::* foreign_key) const {
    using holder = detail::owner_and_type<decltype(Member)>::type;
    static_assert(!detail::held<holder>::is_many, "the member that holds a has_one is a db::one");
    return has<Member>(relation_kind::has_one, foreign_key);
  }
  // The same where the foreign key is shared by several tables and a column says which one it means.
  template <auto Member, class Child, class M, class E>
  constexpr table has_many(M Child::* foreign_key, type_is<Child, E> type) const {
    return has<Member>(relation_kind::has_many, foreign_key).of_type(type);
  }
  template <auto Member, class Child, class M, class E>
  constexpr table has_one(M Child::* foreign_key, type_is<Child, E> type) const {
    return has<Member>(relation_kind::has_one, foreign_key).of_type(type);
  }
  // Known, for export and erasure, and not loaded.
  template <class Child, class M>
  constexpr table has_many(M Child::* foreign_key) const {
    static_assert(detail::may_hold_key_of<M, T>, "the foreign key holds the id of another table");
    relation r{.what = relation_kind::has_many, .local = info_.key, .child = &meta::describe<Child>};
    r.remote = foreign_index<Child>(foreign_key);
    r.targets[0] = {.table = &detail::info_of_related<Child>};
    return with(r);
  }
  // The row whose key this column holds, loaded into a member db::one; none where the column is null.
  template <auto Member, class M>
  constexpr table belongs_to(M T::* foreign_key) const {
    using holder = detail::owner_and_type<decltype(Member)>::type;
    using target = detail::held<holder>::type;
    static_assert(!detail::held<holder>::is_many, "the member that holds a belongs_to is a db::one");
    static_assert(detail::may_hold_key_of<M, target>, "the foreign key holds the id of another table");
    relation r{.what = relation_kind::belongs_to, .member = &detail::member_at<Member>, .local = index_of(foreign_key)};
    r.targets[0] = {
        .table = &detail::info_of_related<target>, .rows = &detail::rows_for<target>, .set = &detail::set_one<target>};
    return with(r);
  }
  // The row of one of several tables: one column says which, another holds its key. Into a member db::any_of.
  template <auto Member, class E, class M, class... Target>
  constexpr table belongs_to_any(E T::* type, M T::* foreign_key, means_table<Target, E>... meanings) const {
    using holder = detail::owner_and_type<decltype(Member)>::type;
    static_assert(sizeof...(Target) <= 4, "a relation has at most 4 targets");
    relation r{.what = relation_kind::belongs_to_any,
               .member = &detail::member_at<Member>,
               .local = index_of(foreign_key),
               .type_column = index_of(type),
               .target_count = sizeof...(Target)};
    std::size_t i = 0;
    ((r.targets[i++] = {.table = &detail::info_of_related<Target>,
                        .rows = &detail::rows_for<Target>,
                        .set = &detail::set_any<holder, Target>,
                        .type_value = static_cast<std::int64_t>(meanings.value)}),
     ...);
    return with(r);
  }
  // Rows of another table by way of a table between, each row of which holds a key of both.
  template <auto Member, class Between, class M, class N>
  constexpr table many_to_many(M Between::* own_key, N Between::* other_key) const {
    using holder = detail::owner_and_type<decltype(Member)>::type;
    using target = detail::held<holder>::type;
    static_assert(detail::held<holder>::is_many, "the member that holds a many_to_many is a db::many");
    static_assert(detail::may_hold_key_of<M, T>, "the first column between holds the id of another table");
    static_assert(detail::may_hold_key_of<N, target>, "the second column between holds the id of another table");
    relation r{.what = relation_kind::many_to_many,
               .member = &detail::member_at<Member>,
               .local = info_.key,
               .through = &detail::source_of_related<Between>,
               .through_local = foreign_index<Between>(own_key),
               .through_remote = foreign_index<Between>(other_key)};
    r.targets[0] = {
        .table = &detail::info_of_related<target>, .rows = &detail::rows_for<target>, .set = &detail::set_many<target>};
    return with(r);
  }

  // Functions that run with single rows, in the order in which they were registered: f(user&), returning nothing or
  // result<void>, or f(db::session&, user&), returning task<> or task<result<void>>. Those with a session run in the
  // transaction of the change, and again when it is repeated. A fault refuses the change, and everything that was done
  // for it is undone. Changes by condition (`update<T>()`, `remove<T>()`, ...), `update_many`, `insert_or_ignore` and
  // `upsert` run none.
  template <auto F>
  constexpr table before_create() const {
    return on<F>(row_event::before_create);
  }
  template <auto F>
  constexpr table after_create() const {
    return on<F>(row_event::after_create);
  }
  template <auto F>
  constexpr table before_update() const {
    return on<F>(row_event::before_update);
  }
  template <auto F>
  constexpr table after_update() const {
    return on<F>(row_event::after_update);
  }
  template <auto F>
  constexpr table before_delete() const {
    return on<F>(row_event::before_delete);
  }
  template <auto F>
  constexpr table after_delete() const {
    return on<F>(row_event::after_delete);
  }
  // With every row that is read into this type, f(user&) only.
  template <auto F>
  constexpr table after_load() const {
    static_assert(std::is_void_v<std::invoke_result_t<decltype(F), T&>>, "a hook after loading is f(user&)");
    auto copy = on<F>(row_event::after_load);
    copy.info_.is_plain = false;
    return copy;
  }

  constexpr table_info const& info() const noexcept { return info_; }

 private:
  template <class U>
  friend class table;

  template <class M>
  static constexpr std::uint8_t index_of(M T::* member) {
    auto const index = detail::member_index<T>(member);
    if (index == no_column) throw "this member is not described: it is no column";  // at compile time: does not compile
    return index;
  }
  template <class Child, class M>
  static constexpr std::uint8_t foreign_index(M Child::* member) {
    auto const index = detail::member_index<Child>(member);
    if (index == no_column) throw "this member of the other table is not described: it is no column";
    return index;
  }
  template <class M>
  constexpr table set(std::uint8_t table_info::* what, M T::* member) const {
    auto copy = *this;
    copy.info_.*what = index_of(member);
    return copy;
  }
  template <class M>
  static constexpr void add_to(index_rule& rule, M T::* member) {
    static_assert(detail::can_be_indexed<M>, "lists, maps, documents, octets and secrets cannot be indexed");
    if (rule.where) throw "the condition of an index stands behind its columns";
    if (rule.has(index_of(member))) throw "an index has a column once";
    rule.column_storage[rule.column_count++] = index_of(member);  // a ninth does not compile: index out of range
  }
  template <class M>
  static constexpr void add_to(index_rule& rule, index_condition<T, M> condition) {
    if (rule.where) throw "an index has one condition";
    rule.where = index_of(condition.member);
    rule.where_null = condition.null;
  }
  template <class... A>
  constexpr table with_index(bool unique, A... members_and_condition) const {
    index_rule rule{.unique = unique};
    (add_to(rule, members_and_condition), ...);
    if (rule.column_count == 0) throw "an index has a column at least";
    for (auto const& each : info_.indexes())
      if (each == rule) throw "this index is promised twice";
    auto copy = *this;
    copy.info_.index_storage[copy.info_.index_count++] = rule;  // a thirteenth does not compile: index out of range
    return copy.checked();
  }
  // What no engine can promise.
  constexpr table checked() const {
    auto const& parts = info_.partitions;
    for (auto const& each : info_.indexes()) {
      for (auto const column : each.columns())
        if ((info_.encrypted >> column & 1) != 0) throw "an encrypted column cannot be searched, and not be unique";
      if (!each.unique) continue;
      if (info_.sharded_by != no_column && !each.has(info_.sharded_by))
        throw "a unique key of a sharded table has the column that decides where a row lies: other databases are not seen";
      if (parts.kind != partition_kind::none && !each.has(parts.column))
        throw "a unique key of a table in parts has the column that parts it: other parts are not seen";
    }
    return *this;
  }
  template <auto Member, class Child, class M>
  constexpr table has(relation_kind what, M Child::* foreign_key) const {
    using holder = detail::owner_and_type<decltype(Member)>::type;
    using target = detail::held<holder>::type;
    static_assert(std::same_as<target, Child>, "the foreign key is a column of another table than the member holds");
    static_assert(detail::may_hold_key_of<M, T>, "the foreign key holds the id of another table");
    relation r{.what = what,
               .member = &detail::member_at<Member>,
               .local = info_.key,
               .remote = foreign_index<Child>(foreign_key),
               .child = &meta::describe<Child>};
    r.targets[0] = {.table = &detail::info_of_related<Child>, .rows = &detail::rows_for<Child>};
    r.targets[0].set = what == relation_kind::has_many ? &detail::set_many<Child> : &detail::set_one<Child>;
    return with(r);
  }
  template <class Child, class E>
  constexpr table of_type(type_is<Child, E> type) const {
    auto copy = *this;
    auto& r = copy.info_.relation_storage[copy.info_.relation_count - 1];
    r.type_column = foreign_index<Child>(type.column);
    r.targets[0].type_value = static_cast<std::int64_t>(type.value);
    return copy;
  }
  constexpr table with(relation r) const {
    if (r.what != relation_kind::belongs_to && r.what != relation_kind::belongs_to_any && info_.key == no_column)
      throw "the table has no primary key that others could hold";
    auto copy = *this;
    copy.info_.relation_storage[copy.info_.relation_count++] = r;  // a ninth does not compile: index out of range
    return copy;
  }
  template <auto F>
  constexpr table on(row_event when) const {
    auto copy = *this;
    copy.info_.hook_storage[copy.info_.hook_count++] = detail::make_hook<T, F>(when);
    return copy;
  }

  table_info info_;
};

}  // namespace slipway::db
