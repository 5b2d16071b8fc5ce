// The part of a table's traits that needs no type: what SQL is made from. How they are written: table.hpp.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/db/index_rule.hpp>
#include <slipway/db/partition_rule.hpp>
#include <slipway/db/relation.hpp>
#include <slipway/meta/description.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace slipway::db {

class session;

inline constexpr std::uint8_t no_column = 255;
inline constexpr std::size_t max_columns = 64;

enum class row_event : std::uint8_t {
  before_create,
  after_create,
  before_update,
  after_update,
  before_delete,
  after_delete,
  after_load
};

// One function that a table's traits registered. Exactly one of the two is set.
struct row_hook {
  row_event when = row_event::after_load;
  bool may_refuse = false;
  result<void> (*now)(void* row) = nullptr;
  task<result<void>> (*later)(session& in, void* row) = nullptr;
};

struct table_info {
  std::string_view name;
  meta::type const* row = nullptr;
  std::uint8_t key = no_column;
  std::uint8_t deleted_at = no_column;  // soft delete: set instead of removing the row
  std::uint8_t created_at = no_column, updated_at = no_column;
  std::uint8_t version = no_column;  // counts the changes of a row, for optimistic locking
  // Of a table whose rows lie on several databases (lib/sharding): what decides where, and the column with its slot.
  std::uint8_t sharded_by = no_column, slot = no_column;
  partition_rule partitions{};
  std::uint64_t personal = 0;   // bit i: member i is personal data
  std::uint64_t encrypted = 0;  // goes through the codec of the settings
  std::uint64_t arrays = 0;     // an array where the engine has them (PostgreSQL)
  std::array<relation, 8> relation_storage{};
  std::uint8_t relation_count = 0;
  std::array<row_hook, 8> hook_storage{};
  std::uint8_t hook_count = 0;
  std::array<index_rule, max_indexes> index_storage{};
  std::uint8_t index_count = 0;

  constexpr std::span<index_rule const> indexes() const noexcept { return {index_storage.data(), index_count}; }
  constexpr std::span<relation const> relations() const noexcept { return {relation_storage.data(), relation_count}; }
  constexpr std::span<row_hook const> hooks() const noexcept { return {hook_storage.data(), hook_count}; }
  bool is_plain = true;  // reading a row is no more than copying its values
  std::string_view column(std::uint8_t index) const noexcept { return row->members[index].name; }
};

struct not_a_table {};
// Specialised for a row's type: see the head of this file.
template <class T>
inline constexpr auto table_of = not_a_table{};

template <class T>
concept stored = meta::described<T> && requires { table_of<T>.info(); };

template <stored T>
inline constexpr table_info const& info_of = table_of<T>.info();

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

template <auto Member>
void* member_at(void* row) noexcept {
  return &(static_cast<owner_and_type<decltype(Member)>::owner*>(row)->*Member);
}

template <class Holder>
struct held;
template <class T>
struct held<many<T>> {
  using type = T;
  static constexpr bool is_many = true;
};
template <class T>
struct held<one<T>> {
  using type = T;
  static constexpr bool is_many = false;
};

}  // namespace detail

// The name of a table's second role in one query, as in `col<&employee::name, "boss">`.
template <std::size_t N>
struct alias_name {
  char text[N];
  constexpr alias_name(char const (&literal)[N]) noexcept { std::copy_n(literal, N, text); }
  constexpr bool empty() const noexcept { return N == 1; }
  constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

// A table in a role. Without a name it is the table's own type.
template <class T, alias_name Name>
struct aliased {};

namespace detail {

struct source_info {
  table_info const* table;
  std::string_view alias;  // empty: the table's name
};

template <class T>
struct source {
  using row = T;
  static_assert(stored<T>, "this type is no table's row: specialise slipway::db::table_of for it");
  static constexpr source_info info{&info_of<T>, {}};
};
template <class T, alias_name Name>
struct source<aliased<T, Name>> {
  using row = T;
  static constexpr auto name = Name;
  static constexpr source_info info{&info_of<T>, name.view()};
};
template <class T, alias_name Name>
struct source_tag {
  using type = aliased<T, Name>;
};
template <class T, alias_name Name>
  requires(Name.empty())
struct source_tag<T, Name> {
  using type = T;
};

}  // namespace detail
}  // namespace slipway::db
