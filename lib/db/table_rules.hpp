// What table.hpp checks of members and functions when it compiles, and how a hook of a known type becomes one of none.
#pragma once

#include <slipway/core/id.hpp>
#include <slipway/db/relation.hpp>
#include <slipway/db/table_info.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <concepts>
#include <optional>
#include <type_traits>

namespace slipway::db {
namespace detail {

// The table that a relation leads to is asked for when rows are loaded: two tables may name each other.
template <class T>
table_info const& info_of_related() {
  static_assert(stored<T>,
                "a relation leads to a type that is no table's row: specialise slipway::db::table_of for it");
  return info_of<T>;
}

template <class T>
source_info const& source_of_related() {
  static_assert(stored<T>, "the table between two others is no table's row: specialise slipway::db::table_of for it");
  return source<T>::info;
}

template <class Key>
struct key_owner {
  using type = void;
};
template <class T>
struct key_owner<id_of<T>> {
  using type = T;
};
template <class T>
struct key_owner<std::optional<id_of<T>>> {
  using type = T;
};
// A foreign key that says whose id it holds must hold the right one's.
template <class Key, class Owner>
inline constexpr bool may_hold_key_of =
    std::is_void_v<typename key_owner<Key>::type> || std::same_as<typename key_owner<Key>::type, Owner>;

template <class M>
inline constexpr bool can_be_encrypted = [] {
  auto const* t = &meta::describe<M>;
  while (t->what == meta::kind::optional) t = t->element;
  switch (t->what) {
    case meta::kind::text:
    case meta::kind::secret_text:
    case meta::kind::dynamic:
    case meta::kind::list:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object: return true;
    default: return false;
  }
}();

// Whether time partitions can be made by a column of this type.
template <class M>
inline constexpr bool partition_column =
    std::same_as<M, time_point> || std::same_as<M, std::chrono::year_month_day> || std::same_as<M, uuid>;
template <class T>
inline constexpr bool partition_column<id_of<T>> = true;

template <class T, auto F>
result<void> call_now(void* row) {
  if constexpr (std::is_void_v<decltype(F(*static_cast<T*>(row)))>) {
    F(*static_cast<T*>(row));
    return {};
  } else {
    return F(*static_cast<T*>(row));
  }
}
template <class T, auto F>
task<result<void>> call_later(session& in, void* row) {
  if constexpr (std::same_as<decltype(F(in, *static_cast<T*>(row))), task<>>) {
    co_await F(in, *static_cast<T*>(row));
    co_return result<void>{};
  } else {
    co_return co_await F(in, *static_cast<T*>(row));
  }
}

template <class T, auto F>
constexpr row_hook make_hook(row_event when) {
  row_hook h{.when = when};
  if constexpr (std::invocable<decltype(F), T&>) {
    using R = std::invoke_result_t<decltype(F), T&>;
    static_assert(std::is_void_v<R> || std::same_as<R, result<void>>,
                  "a hook that takes the row alone returns nothing or result<void>");
    h.now = &call_now<T, F>;
    h.may_refuse = !std::is_void_v<R>;
  } else {
    static_assert(std::invocable<decltype(F), session&, T&>,
                  "a hook takes the row, or the session and the row: f(user&) or f(db::session&, user&)");
    using R = std::invoke_result_t<decltype(F), session&, T&>;
    static_assert(std::same_as<R, task<>> || std::same_as<R, task<result<void>>>,
                  "a hook that takes the session returns task<> or task<result<void>>");
    h.later = &call_later<T, F>;
    h.may_refuse = !std::same_as<R, task<>>;
  }
  return h;
}

}  // namespace detail

}  // namespace slipway::db
