// The name that a violation of a unique key has on every engine (errors.hpp), taken from the members:
//
//   co_return co_await db::or_fault(db_.insert(row), db::unique_key<&user::email>, fault::conflict("email_taken"));
//
// A key that the table's traits do not promise does not compile.
#pragma once

#include <slipway/db/table_info.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace slipway::db {
namespace detail {

template <auto First, auto... Rest>
struct key_of_members {
  using row = owner_and_type<decltype(First)>::owner;
  static_assert(stored<row>, "the members are of a type that is no table's row");
  static constexpr std::array<std::uint8_t, 1 + sizeof...(Rest)> columns{member_index<row>(First),
                                                                         member_index<row>(Rest)...};

  static constexpr bool is_promised = [] {
    auto const& table = info_of<row>;
    if (columns.size() == 1 && columns[0] == table.key) return true;
    for (auto const& each : table.indexes()) {
      if (!each.unique || each.column_count != columns.size()) continue;
      bool same = true;
      for (std::size_t i = 0; i < columns.size(); ++i) same = same && each.columns()[i] == columns[i];
      if (same) return true;
    }
    return false;
  }();

  // Writes the name, or only counts where there is no place.
  static constexpr std::size_t write(char* to) {
    std::size_t size = 0;
    auto const put = [&](std::string_view text) {
      for (char const c : text) {
        if (to != nullptr) to[size] = c;
        ++size;
      }
    };
    // Engines tell the table, and not in which schema it is.
    std::string_view table = info_of<row>.name;
    table.remove_prefix(table.rfind('.') + 1);
    put("unique(");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) put(",");
      put(table);
      put(".");
      put(info_of<row>.row->members[columns[i]].name);
    }
    put(")");
    return size;
  }
  static constexpr auto text = [] {
    std::array<char, write(nullptr) + 1> out{};
    write(out.data());
    return out;
  }();
};

template <auto First, auto... Rest>
constexpr char const* name_of_unique_key() {
  using key = key_of_members<First, Rest...>;
  static_assert(key::is_promised,
                "the table's traits promise no unique key of these members in this order: add .unique(...) to them");
  return key::text.data();
}

}  // namespace detail

template <auto First, auto... Rest>
inline constexpr char const* unique_key = detail::name_of_unique_key<First, Rest...>();

}  // namespace slipway::db
