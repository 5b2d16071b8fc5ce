// The indexes that a table's traits promise (table.hpp), and the names of those that are unique. `slipway migrate diff`
// holds them against the database.
#pragma once

#include <slipway/meta/description.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace slipway::db {

inline constexpr std::size_t max_index_columns = 8, max_indexes = 12;

struct index_rule {
  std::array<std::uint8_t, max_index_columns> column_storage{};
  std::uint8_t column_count = 0;
  bool unique = false;
  // Of a part of the rows: those in which this column is null, or is not.
  std::optional<std::uint8_t> where{};
  bool where_null = true;

  constexpr std::span<std::uint8_t const> columns() const noexcept { return {column_storage.data(), column_count}; }
  constexpr bool has(std::uint8_t column) const noexcept {
    for (auto const each : columns())
      if (each == column) return true;
    return false;
  }
  friend constexpr bool operator==(index_rule const&, index_rule const&) = default;
};

// The last argument of `unique` and `index`: only rows of which this member is empty, or is not.
template <class T, class M>
struct index_condition {
  std::optional<M> T::* member;
  bool null;
};
template <class T, class M>
constexpr index_condition<T, M> where_null(std::optional<M> T::* member) {
  return {member, true};
}
template <class T, class M>
constexpr index_condition<T, M> where_not_null(std::optional<M> T::* member) {
  return {member, false};
}

namespace detail {

// What every engine can put in order, and whole into an index.
template <class M>
inline constexpr bool can_be_indexed = [] {
  auto const* t = &meta::describe<M>;
  while (t->what == meta::kind::optional) t = t->element;
  switch (t->what) {
    case meta::kind::boolean:
    case meta::kind::integer:
    case meta::kind::number:
    case meta::kind::text:
    case meta::kind::enumeration:
    case meta::kind::uuid:
    case meta::kind::time:
    case meta::kind::duration:
    case meta::kind::scalar: return true;
    default: return false;
  }
}();

}  // namespace detail
}  // namespace slipway::db
