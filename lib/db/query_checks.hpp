// What the compiler finds out about a query: whether structs can hold its columns, and which relation a member holds.
// Included by query.hpp; not for applications.
#pragma once

#include <slipway/db/expression.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::db::detail {

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

}  // namespace slipway::db::detail
