// Conditions and orders over the columns of one table, checked at compile time:
//
//   col<&note::owner_id> == who.user() && (col<&note::title>.contains(q) || col<&note::pinned> == true)
//
// A condition is a short program over column numbers with its values beside it. Values never become text of a
// statement, and two conditions of the same shape share one prepared statement.
#pragma once

#include <slipway/db/table.hpp>
#include <slipway/db/value.hpp>

#include <concepts>
#include <ranges>
#include <string>
#include <utility>

namespace slipway::db {

enum class operation_code : char {
  equal = 1,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  is_null,
  is_not_null,
  contains,     // without case; the value is a pattern for LIKE
  has_element,  // of a list of texts
  starts_with,
  in,           // followed by two bytes, the number of values
  conjunction,  // of the two conditions before it
  disjunction,
  negation,
  always,
  never,
};

// In reverse Polish order: two bytes for a comparison (operation, column), one for a connective.
struct untyped_condition {
  std::string code;
  db::values values;

  void add(operation_code op) { code.push_back(static_cast<char>(op)); }
  void add(operation_code op, std::uint8_t column) {
    add(op);
    code.push_back(static_cast<char>(column));
  }
  void join(untyped_condition&& other, operation_code with);
};

namespace detail {
// Pads to a power of two, so that lists of all lengths share few statements. Throws value_error above 4096 values.
void add_list(untyped_condition& to, std::uint8_t column, values list);
}  // namespace detail

template <class T>
class condition {
 public:
  condition() = default;
  explicit condition(untyped_condition body) noexcept : body_{std::move(body)} {}

  friend condition operator&&(condition a, condition b) {
    a.body_.join(std::move(b.body_), operation_code::conjunction);
    return a;
  }
  friend condition operator||(condition a, condition b) {
    a.body_.join(std::move(b.body_), operation_code::disjunction);
    return a;
  }
  friend condition operator!(condition a) {
    a.body_.add(operation_code::negation);
    return a;
  }

  bool empty() const noexcept { return body_.code.empty(); }
  untyped_condition&& take() && noexcept { return std::move(body_); }

 private:
  untyped_condition body_;
};

// The start of a condition that is put together piece by piece: true for every row.
template <stored T>
condition<T> everything() {
  untyped_condition all;
  all.add(operation_code::always);
  return condition<T>{std::move(all)};
}

namespace detail {

template <class T>
struct without_optional {
  using type = T;
  static constexpr bool nullable = false;
};
template <class T>
struct without_optional<std::optional<T>> {
  using type = T;
  static constexpr bool nullable = true;
};

// %text% with % _ and \ made ordinary.
std::string like_pattern(std::string_view text);

// `given` as the type of the column, so that a wrong type does not compile and an enumeration or id is converted.
template <class M, class V>
value as_value(V const& given) {
  if constexpr (std::same_as<M, std::string>) {
    if constexpr (std::same_as<V, std::string>)
      return value{given};
    else
      return value{std::string_view{given}};
  } else if constexpr (std::is_arithmetic_v<M> || std::is_enum_v<M> || std::same_as<M, V>) {
    static_assert(std::convertible_to<V const&, M>, "the value has not the column's type");
    if constexpr (std::integral<M> && std::integral<V> && !std::same_as<M, bool>)
      return value{given};  // not narrowed
    else
      return value{static_cast<M>(given)};
  } else {
    M const converted = given;
    return value{converted};
  }
}

}  // namespace detail

template <class T>
struct order {
  std::uint8_t column;
  bool descending;
};

// One column of a new value: `set(col<&note::title>, "x")`.
template <auto Member>
struct column_of {
  using row = detail::owner_and_type<decltype(Member)>::owner;
  using member_type = detail::owner_and_type<decltype(Member)>::type;
  using element_type = detail::without_optional<member_type>::type;
  static constexpr bool nullable = detail::without_optional<member_type>::nullable;
  static constexpr std::uint8_t index = detail::member_index<row>(Member);
  static_assert(index != no_column, "the member is not described");

  template <class V>
  friend condition<row> operator==(column_of, V const& v) {
    return compare(operation_code::equal, v);
  }
  template <class V>
  friend condition<row> operator!=(column_of, V const& v) {
    return compare(operation_code::not_equal, v);
  }
  template <class V>
  friend condition<row> operator<(column_of, V const& v) {
    return compare(operation_code::less, v);
  }
  template <class V>
  friend condition<row> operator<=(column_of, V const& v) {
    return compare(operation_code::less_equal, v);
  }
  template <class V>
  friend condition<row> operator>(column_of, V const& v) {
    return compare(operation_code::greater, v);
  }
  template <class V>
  friend condition<row> operator>=(column_of, V const& v) {
    return compare(operation_code::greater_equal, v);
  }

  condition<row> is_null() const
    requires nullable
  {
    return plain(operation_code::is_null);
  }
  condition<row> is_not_null() const
    requires nullable
  {
    return plain(operation_code::is_not_null);
  }
  // Text anywhere in the column, without regard to case (SQLite: of ASCII letters). % and _ are ordinary characters.
  condition<row> contains(std::string_view text) const
    requires std::same_as<element_type, std::string>
  {
    return with(operation_code::contains, value{detail::like_pattern(text)});
  }
  // Of a list of texts: has this element.
  condition<row> has(std::string_view element) const
    requires std::same_as<element_type, std::vector<std::string>>
  {
    return with(operation_code::has_element, value{element});
  }
  // With regard to case.
  condition<row> starts_with(std::string_view text) const
    requires std::same_as<element_type, std::string>
  {
    return with(operation_code::starts_with, value{text});
  }
  // Nothing is in an empty list. At most 4096 values.
  template <std::ranges::input_range R>
  condition<row> in(R const& list) const {
    values all;
    for (auto const& each : list) all.push_back(detail::as_value<element_type>(each));
    untyped_condition c;
    detail::add_list(c, index, std::move(all));
    return condition<row>{std::move(c)};
  }
  template <class V>
  condition<row> in(std::initializer_list<V> list) const {
    return in(std::views::all(list));
  }

 private:
  static condition<row> with(operation_code op, value v) {
    untyped_condition c;
    c.add(op, index);
    c.values.reserve(4);
    c.values.emplace_back(std::move(v));
    return condition<row>{std::move(c)};
  }
  static condition<row> plain(operation_code op) {
    untyped_condition c;
    c.add(op, index);
    return condition<row>{std::move(c)};
  }
  template <class V>
  static condition<row> compare(operation_code op, V const& v) {
    if constexpr (std::same_as<V, std::nullopt_t>) {
      static_assert(nullable, "the column is never null");
      return plain(op == operation_code::equal ? operation_code::is_null : operation_code::is_not_null);
    } else if constexpr (detail::without_optional<V>::nullable) {
      if (!v) return plain(op == operation_code::equal ? operation_code::is_null : operation_code::is_not_null);
      return with(op, detail::as_value<element_type>(*v));
    } else {
      return with(op, detail::as_value<element_type>(v));
    }
  }
};

template <auto Member>
inline constexpr column_of<Member> col{};

// Nulls come last in either direction.
template <auto Member>
inline constexpr order<typename column_of<Member>::row> asc{column_of<Member>::index, false};
template <auto Member>
inline constexpr order<typename column_of<Member>::row> desc{column_of<Member>::index, true};

}  // namespace slipway::db
