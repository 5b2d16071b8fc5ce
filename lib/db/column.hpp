// The columns of tables in conditions and orders: `col<&note::title> == "x"`, `asc<&note::title>`.
#pragma once

#include <slipway/db/condition.hpp>

#include <concepts>
#include <initializer_list>
#include <ranges>
#include <vector>

namespace slipway::db {

template <class Value, class... Sources>
class expression;
template <class Value>
class subquery;

// Nulls come last in either direction, unless `nulls_first` is said.
enum order_flags : char { ascending = 0, descending = 1, nulls_first = 2 };

// One column of the table T in `order by`.
template <class T>
struct order {
  std::uint8_t column;
  char flags;
  constexpr order nulls_first() const noexcept { return {column, static_cast<char>(flags | db::nulls_first)}; }
};

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

template <class E>
inline constexpr bool is_expression = false;
template <class V, class... S>
inline constexpr bool is_expression<expression<V, S...>> = true;

// The text with % _ and \ made ordinary, between two patterns.
std::string like_pattern(std::string_view before, std::string_view text, std::string_view after);

// `given` as the type of the column, so that a wrong type does not compile and an enumeration or id is converted.
template <class M, class V>
value as_value(V const& given) {
  if constexpr (std::same_as<M, std::string>) {
    static_assert(std::convertible_to<V const&, std::string_view>, "the column is text and the value is not");
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
    static_assert(std::convertible_to<V const&, M>, "the value has not the column's type");
    M const converted = given;
    return value{converted};
  }
}

// Whether the types of two expressions can be compared.
template <class A, class B>
inline constexpr bool are_comparable = std::same_as<A, B> || (std::is_arithmetic_v<A> && std::is_arithmetic_v<B>);

}  // namespace detail

// One column. As a value to be set: `set(col<&note::title>, "x")`.
template <auto Member, alias_name Alias = "">
struct column_of {
  using row = detail::owner_and_type<decltype(Member)>::owner;
  using source = detail::source_tag<row, Alias>::type;
  using member_type = detail::owner_and_type<decltype(Member)>::type;
  using element_type = detail::without_optional<member_type>::type;
  static constexpr bool nullable = detail::without_optional<member_type>::nullable;
  static constexpr std::uint8_t index = detail::member_index<row>(Member);
  static_assert(index != no_column, "this member is not among those that BOOST_DESCRIBE_STRUCT names: it is no column");

  template <class V>
  friend auto operator==(column_of me, V const& v) {
    return me.template compare<operation_code::equal>(v);
  }
  template <class V>
  friend auto operator!=(column_of me, V const& v) {
    return me.template compare<operation_code::not_equal>(v);
  }
  template <class V>
  friend auto operator<(column_of me, V const& v) {
    return me.template compare<operation_code::less>(v);
  }
  template <class V>
  friend auto operator<=(column_of me, V const& v) {
    return me.template compare<operation_code::less_equal>(v);
  }
  template <class V>
  friend auto operator>(column_of me, V const& v) {
    return me.template compare<operation_code::greater>(v);
  }
  template <class V>
  friend auto operator>=(column_of me, V const& v) {
    return me.template compare<operation_code::greater_equal>(v);
  }

  condition<source> is_null() const
    requires nullable
  {
    return plain(operation_code::is_null);
  }
  condition<source> is_not_null() const
    requires nullable
  {
    return plain(operation_code::is_not_null);
  }
  // Both ends belong to it.
  template <class V, class W>
  condition<source> between(V const& least, W const& most) const {
    auto c = with(operation_code::between, detail::as_value<element_type>(least));
    c.values.push_back(detail::as_value<element_type>(most));
    return finished(std::move(c));
  }
  // Text anywhere in the column, without regard to case (SQLite: of ASCII letters). % and _ are ordinary characters,
  // here and in `starts_with` and `ends_with`.
  condition<source> contains(std::string_view text) const
    requires std::same_as<element_type, std::string>
  {
    return finished(with(operation_code::like, value{detail::like_pattern("%", text, "%")}));
  }
  // Without regard to case as well.
  condition<source> ends_with(std::string_view text) const
    requires std::same_as<element_type, std::string>
  {
    return finished(with(operation_code::like, value{detail::like_pattern("%", text, "")}));
  }
  // With regard to case; an index helps.
  condition<source> starts_with(std::string_view text) const
    requires std::same_as<element_type, std::string>
  {
    return finished(with(operation_code::starts_with, value{text}));
  }
  // A pattern of one's own: % is any text, _ any character, \ makes the next one ordinary. Without regard to case.
  condition<source> like(std::string_view pattern) const
    requires std::same_as<element_type, std::string>
  {
    return finished(with(operation_code::like, value{pattern}));
  }
  // Of a list of texts: has this element.
  condition<source> has(std::string_view element) const
    requires std::same_as<element_type, std::vector<std::string>>
  {
    return finished(with(operation_code::has_element, value{element}));
  }
  // Nothing is in an empty list. At most 4096 values.
  template <std::ranges::input_range R>
  condition<source> in(R const& list) const {
    values all;
    for (auto const& each : list) all.push_back(detail::as_value<element_type>(each));
    untyped_condition c;
    detail::add_list(c, index, std::move(all));
    return finished(std::move(c));
  }
  template <class V>
  condition<source> in(std::initializer_list<V> list) const {
    return in(std::views::all(list));
  }
  // `in(db.from<note>().where(...).only(col<&note::owner_id>))`
  template <class V>
  condition<source> in(subquery<V> query) const;

  // A value inside a JSON column: by the names of members and the numbers of elements, or by the members of a struct.
  // What is not there, or is of another type, is null.
  template <class V, class... Steps>
  expression<V, source> at(Steps const&... steps) const;
  template <auto... Path>
  auto get() const;

  constexpr order<row> asc() const noexcept
    requires(Alias.empty())
  {
    return {index, ascending};
  }
  constexpr order<row> desc() const noexcept
    requires(Alias.empty())
  {
    return {index, descending};
  }

 private:
  static void refuse_encrypted() {
    if constexpr (requires { table_of<row>.info(); })
      static_assert((info_of<row>.encrypted >> index & 1) == 0,
                    "an encrypted column cannot be compared in the database: keep a keyed hash in a column beside it");
  }
  static untyped_condition with(operation_code op, value v) {
    refuse_encrypted();
    untyped_condition c;
    c.add(op, index);
    c.values.reserve(4);
    c.values.emplace_back(std::move(v));
    return c;
  }
  static condition<source> finished(untyped_condition c) noexcept { return condition<source>{std::move(c)}; }
  static condition<source> plain(operation_code op) {
    untyped_condition c;
    c.add(op, index);
    return finished(std::move(c));
  }
  template <operation_code Op>
  static condition<source> compare_null() {
    static_assert(nullable, "the column is never null");
    static_assert(Op == operation_code::equal || Op == operation_code::not_equal, "nothing is less than null");
    return plain(Op == operation_code::equal ? operation_code::is_null : operation_code::is_not_null);
  }
  template <operation_code Op, class V>
  auto compare(V const& v) const {
    if constexpr (detail::is_expression<V>) {
      return expression<element_type, source>{*this}.template compare<Op>(v);
    } else if constexpr (requires {
                           typename V::element_type;
                           V::index;
                         }) {
      static_assert(detail::are_comparable<element_type, typename V::element_type>,
                    "the two columns are of different types");
      return compare_columns<Op>(v);
    } else if constexpr (std::same_as<V, std::nullopt_t>) {
      return compare_null<Op>();
    } else if constexpr (detail::without_optional<V>::nullable) {
      if (!v) return compare_null<Op>();
      return finished(with(Op, detail::as_value<element_type>(*v)));
    } else {
      return finished(with(Op, detail::as_value<element_type>(v)));
    }
  }
  template <operation_code Op, class Other>
  static auto compare_columns(Other) {
    refuse_encrypted();
    untyped_condition c;
    if constexpr (!std::same_as<source, typename Other::source>)
      detail::add_source(c.code, detail::source<source>::info);
    c.add(operation_code::column, index);
    if constexpr (!std::same_as<source, typename Other::source>)
      detail::add_source(c.code, detail::source<typename Other::source>::info);
    c.add(operation_code::column, Other::index);
    c.add(operation_code::compare_two, static_cast<std::uint8_t>(Op));
    using all = boost::mp11::mp_unique<boost::mp11::mp_list<source, typename Other::source>>;
    return boost::mp11::mp_apply<condition, all>{std::move(c)};
  }
};

template <auto Member, alias_name Alias = "">
inline constexpr column_of<Member, Alias> col{};

// Nulls come last in either direction; `asc<&note::rank>.nulls_first()` turns that round.
template <auto Member>
inline constexpr order<typename column_of<Member>::row> asc{column_of<Member>::index, ascending};
template <auto Member>
inline constexpr order<typename column_of<Member>::row> desc{column_of<Member>::index, descending};

}  // namespace slipway::db
