// What makes a described struct a table's row. Columns are its members, by name and in their order.
//
//   template <> inline constexpr auto slipway::db::table_of<user> =
//       table<user>("users").soft_delete(&user::deleted_at).timestamps(&user::created_at, &user::updated_at)
//                           .personal(&user::email).has_many<file>(&file::owner_id);
#pragma once

#include <slipway/meta/description.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace slipway::db {

inline constexpr std::uint8_t no_column = 255;
inline constexpr std::size_t max_columns = 64;

// Rows of `child` whose column `column` holds the key of this table's row.
struct relation {
  meta::type const* child = nullptr;
  std::uint8_t column = no_column;
};

// The part of a table's traits that needs no type: what the SQL is made from.
struct table_info {
  std::string_view name;
  meta::type const* row = nullptr;
  std::uint8_t key = no_column;
  std::uint8_t deleted_at = no_column;  // soft delete: set instead of removing the row
  std::uint8_t created_at = no_column, updated_at = no_column;
  std::uint8_t version = no_column;  // counts the changes of a row, for optimistic locking
  std::uint64_t personal = 0;        // bit i: member i is personal data
  std::array<relation, 8> relation_storage{};
  std::uint8_t relation_count = 0;

  constexpr std::span<relation const> relations() const noexcept { return {relation_storage.data(), relation_count}; }
  std::string_view column(std::uint8_t index) const noexcept { return row->members[index].name; }
};

namespace detail {

template <class T>
struct owner_and_type;
template <class T, class M>
struct owner_and_type<M T::*> {
  using owner = T;
  using type = M;
};

// Which member of T's description a pointer names; no_column when it is not described.
template <class T, class M, class U>
constexpr std::uint8_t member_index(M U::* pointer) {
  std::uint8_t found = no_column, index = 0;
  using members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
  boost::mp11::mp_for_each<members>([&](auto d) {
    if constexpr (std::is_same_v<std::remove_cv_t<decltype(d.pointer)>, M U::*>)
      if (d.pointer == pointer) found = index;
    ++index;
  });
  return found;
}

}  // namespace detail

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
  // Personal data: export and erasure find it.
  template <class... M>
  constexpr table personal(M T::*... members) const {
    auto copy = *this;
    ((copy.info_.personal |= std::uint64_t{1} << index_of(members)), ...);
    return copy;
  }
  template <class Child, class M>
  constexpr table has_many(M Child::* member) const {
    auto copy = *this;
    copy.info_.relation_storage[copy.info_.relation_count++] = {&meta::describe<Child>,
                                                                detail::member_index<Child>(member)};
    return copy;
  }

  constexpr table_info const& info() const noexcept { return info_; }

 private:
  template <class M>
  static constexpr std::uint8_t index_of(M T::* member) {
    auto const index = detail::member_index<T>(member);
    if (index == no_column) throw "the member is not described";  // at compile time: does not compile
    return index;
  }
  template <class M>
  constexpr table set(std::uint8_t table_info::* what, M T::* member) const {
    auto copy = *this;
    copy.info_.*what = index_of(member);
    return copy;
  }

  table_info info_;
};

struct not_a_table {};
// Specialised for a row's type: see the head of this file.
template <class T>
inline constexpr auto table_of = not_a_table{};

template <class T>
concept stored = meta::described<T> && requires { table_of<T>.info(); };

template <stored T>
inline constexpr table_info const& info_of = table_of<T>.info();

}  // namespace slipway::db
