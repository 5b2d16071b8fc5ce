// What a query can compute: aggregates, parts of JSON columns, subqueries.
//
//   count(), count(col<&note::rank>), count_distinct(...), sum(...), avg(...), min(...), max(...)
//   col<&user::preferences>.at<std::string>("theme") == "dark"
//   col<&user::home>.get<&address::street>() == "Main Street"
//   col<&user::id>.in(db.from<note>().where(...).only(col<&note::owner_id>))
//   exists<note>(col<&note::owner_id> == col<&user::id> && col<&note::pinned> == true)
#pragma once

#include <slipway/db/column.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::db {

// An order by what was computed: `count().desc()`.
template <class... Sources>
struct expression_order {
  std::string code;
  char flags;
  expression_order nulls_first() && {
    flags = static_cast<char>(flags | db::nulls_first);
    return std::move(*this);
  }
};

namespace detail {

template <class... S>
std::string qualified_code(std::string code) {
  if constexpr (sizeof...(S) == 1) {
    std::string out;
    (add_source(out, source<S>::info), ...);
    return out + code;
  }
  return code;
}

// The steps of a path into JSON, as they stand in a program. Throws value_error for a name that no engine could be
// given in quotes: with quotes, backslashes or control characters in it, or longer than 200 bytes.
void add_json_name(std::string& path, std::string_view name);
void add_json_index(std::string& path, std::size_t index);
void add_json_path(std::string& code, operation_code what, std::string_view path);

template <class Step>
void add_json_step(std::string& path, Step const& step) {
  if constexpr (std::integral<Step>)
    add_json_index(path, static_cast<std::size_t>(step));
  else
    add_json_name(path, step);
}

template <class V>
consteval operation_code json_code() {
  static_assert(std::same_as<V, std::string> || std::is_arithmetic_v<V> || std::is_enum_v<V>,
                "inside JSON only text, numbers, booleans and enumerations can be asked for");
  return std::same_as<V, bool>     ? operation_code::json_boolean
         : std::is_arithmetic_v<V> ? operation_code::json_number
                                   : operation_code::json_text;
}

}  // namespace detail

// Of the type Value, over the given sources; may be null.
template <class Value, class... Sources>
class expression {
 public:
  using value_type = Value;
  using sources = boost::mp11::mp_list<Sources...>;

  explicit expression(std::string code) noexcept : code_{std::move(code)} {}
  template <auto Member, alias_name Alias>
  expression(column_of<Member, Alias>)
    requires(sizeof...(Sources) == 1)
      : code_{static_cast<char>(operation_code::column), static_cast<char>(column_of<Member, Alias>::index)} {}

  template <class V>
    requires(!requires {
      typename V::element_type;
      V::index;
    })
  friend auto operator==(expression const& me, V const& v) {
    return me.template compare<operation_code::equal>(v);
  }
  template <class V>
    requires(!requires {
      typename V::element_type;
      V::index;
    })
  friend auto operator!=(expression const& me, V const& v) {
    return me.template compare<operation_code::not_equal>(v);
  }
  template <class V>
  friend auto operator<(expression const& me, V const& v) {
    return me.template compare<operation_code::less>(v);
  }
  template <class V>
  friend auto operator<=(expression const& me, V const& v) {
    return me.template compare<operation_code::less_equal>(v);
  }
  template <class V>
  friend auto operator>(expression const& me, V const& v) {
    return me.template compare<operation_code::greater>(v);
  }
  template <class V>
  friend auto operator>=(expression const& me, V const& v) {
    return me.template compare<operation_code::greater_equal>(v);
  }
  condition<Sources...> is_null() const { return test(operation_code::is_null); }
  condition<Sources...> is_not_null() const { return test(operation_code::is_not_null); }

  expression_order<Sources...> asc() const { return {code_, ascending}; }
  expression_order<Sources...> desc() const { return {code_, descending}; }

  std::string const& code() const noexcept { return code_; }

  template <operation_code Op, class V>
  auto compare(V const& v) const {
    if constexpr (requires {
                    typename V::element_type;
                    V::index;
                  }) {
      return compare<Op>(expression<typename V::element_type, typename V::source>{v});
    } else if constexpr (detail::is_expression<V>) {
      static_assert(detail::are_comparable<Value, typename V::value_type>, "the two sides are of different types");
      return compare_with<Op>(v, typename V::sources{});
    } else {
      untyped_condition c{.code = code_, .values = {}};
      c.add(operation_code::compare, static_cast<std::uint8_t>(Op));
      c.values.push_back(detail::as_value<Value>(v));
      return condition<Sources...>{std::move(c)};
    }
  }

 private:
  template <operation_code Op, class Other, class... Theirs>
  auto compare_with(Other const& other, boost::mp11::mp_list<Theirs...>) const {
    untyped_condition c;
    c.code = detail::qualified_code<Sources...>(code_) + detail::qualified_code<Theirs...>(other.code());
    c.add(operation_code::compare_two, static_cast<std::uint8_t>(Op));
    using all = boost::mp11::mp_set_union<sources, boost::mp11::mp_list<Theirs...>>;
    if constexpr (boost::mp11::mp_size<all>::value == 1 && sizeof...(Sources) == 1 && sizeof...(Theirs) == 1) {
      c.code = code_ + other.code();
      c.add(operation_code::compare_two, static_cast<std::uint8_t>(Op));
    }
    return boost::mp11::mp_apply<condition, all>{std::move(c)};
  }
  condition<Sources...> test(operation_code what) const {
    untyped_condition c{.code = code_, .values = {}};
    c.add(operation_code::test_null, static_cast<std::uint8_t>(what));
    return condition<Sources...>{std::move(c)};
  }

  std::string code_;
};

namespace detail {

// A column or an expression as an expression.
template <auto Member, alias_name Alias>
auto as_expression(column_of<Member, Alias> c) {
  using column = column_of<Member, Alias>;
  return expression<typename column::element_type, typename column::source>{c};
}
template <class V, class... S>
expression<V, S...> as_expression(expression<V, S...> e) {
  return e;
}

template <class T>
concept operand = requires(T const& t) { as_expression(t); };

template <class T>
using value_of = std::remove_cvref_t<decltype(as_expression(std::declval<T const&>()))>::value_type;

template <class Result, class V, class... S>
expression<Result, S...> aggregated(expression<V, S...> const& of, aggregate_code what) {
  auto code = of.code();
  code.push_back(static_cast<char>(operation_code::aggregate));
  code.push_back(static_cast<char>(what));
  return expression<Result, S...>{std::move(code)};
}

template <class V>
struct sum_of {
  using type = V;  // of decimals
};
template <std::integral V>
struct sum_of<V> {
  using type = std::int64_t;
};
template <std::floating_point V>
struct sum_of<V> {
  using type = double;
};

template <class V>
inline constexpr bool is_number = (std::is_arithmetic_v<V> && !std::same_as<V, bool>) || requires { V::is_decimal; };

template <class V>
inline constexpr bool has_extremes =
    !std::same_as<V, bool> && !std::same_as<V, uuid> && !requires(V v) { v.value.is_nil(); };

}  // namespace detail

// Of rows; with an operand: of those where it is not null.
inline expression<std::int64_t> count() {
  return expression<std::int64_t>{std::string{static_cast<char>(operation_code::count_all)}};
}
template <detail::operand E>
auto count(E const& of) {
  return detail::aggregated<std::int64_t>(detail::as_expression(of), aggregate_code::count);
}
template <detail::operand E>
auto count_distinct(E const& of) {
  return detail::aggregated<std::int64_t>(detail::as_expression(of), aggregate_code::count_distinct);
}
// Of nothing it is zero. Integers: 64 bits; SQLite refuses a sum beyond that, and reading one from another engine fails.
template <detail::operand E>
auto sum(E const& of) {
  using V = detail::value_of<E>;
  static_assert(detail::is_number<V>, "only numbers have a sum");
  return detail::aggregated<typename detail::sum_of<V>::type>(detail::as_expression(of), aggregate_code::sum);
}
// Of nothing these three are null.
template <detail::operand E>
auto avg(E const& of) {
  static_assert(detail::is_number<detail::value_of<E>>, "only numbers have an average");
  return detail::aggregated<double>(detail::as_expression(of), aggregate_code::average);
}
template <detail::operand E>
auto min(E const& of) {
  static_assert(detail::has_extremes<detail::value_of<E>>, "ids and booleans have no least one on every engine");
  return detail::aggregated<detail::value_of<E>>(detail::as_expression(of), aggregate_code::minimum);
}
template <detail::operand E>
auto max(E const& of) {
  static_assert(detail::has_extremes<detail::value_of<E>>, "ids and booleans have no greatest one on every engine");
  return detail::aggregated<detail::value_of<E>>(detail::as_expression(of), aggregate_code::maximum);
}

// One column of the rows of a table, for `in`. It takes part in the outer statement: nothing is asked before.
template <class Value>
class subquery {
 public:
  subquery(std::string program, values parameters) noexcept
      : program_{std::move(program)}, values_{std::move(parameters)} {}
  std::string program_;
  values values_;
};

namespace detail {

enum class deleted_rows : std::uint8_t { without, with, only };

// A query inside a condition: source, deleted rows, column, condition.
std::string query_program(source_info const& from, deleted_rows deleted, std::uint8_t column, std::string_view code);
void add_query(std::string& code, std::string_view program);

}  // namespace detail

// Whether there is a row of T for which the condition holds; the condition may name columns of the tables around it.
template <stored T, alias_name Name = "", class... S>
auto exists(condition<S...> c) {
  using namespace boost::mp11;
  using inner = detail::source_tag<T, Name>::type;
  static_assert(mp_contains<mp_list<S...>, inner>::value, "the condition does not name the table that is searched");
  auto body = std::move(c).qualified();
  untyped_condition out;
  out.add(operation_code::exists_query);
  detail::add_query(out.code,
                    detail::query_program(detail::source<inner>::info, detail::deleted_rows::without, 0, body.code));
  out.values = std::move(body.values);
  return mp_apply<condition, mp_remove<mp_list<S...>, inner>>{std::move(out)};
}

// Of a left join: there was no row of T.
template <stored T, alias_name Name = "">
auto absent() {
  using source = detail::source_tag<T, Name>::type;
  static_assert(info_of<T>.key != no_column, "the table has no primary key");
  untyped_condition c;
  c.add(operation_code::is_null, info_of<T>.key);
  return condition<source>{std::move(c)};
}

template <auto Member, alias_name Alias>
template <class V>
auto column_of<Member, Alias>::in(subquery<V> query) const -> condition<source> {
  static_assert(detail::are_comparable<element_type, V>, "the subquery gives values of another type than the column's");
  untyped_condition c;
  c.add(operation_code::in_query, index);
  detail::add_query(c.code, query.program_);
  c.values = std::move(query.values_);
  return finished(std::move(c));
}

template <auto Member, alias_name Alias>
template <class V, class... Steps>
auto column_of<Member, Alias>::at(Steps const&... steps) const -> expression<V, source> {
  static_assert(kind_of(meta::describe<member_type>) == value_kind::json, "only a JSON column has parts");
  static_assert((info_of<row>.arrays >> index & 1) == 0, "an array has no parts as JSON has them");
  static_assert(sizeof...(Steps) > 0, "name the part: at<std::string>(\"theme\")");
  std::string path;
  (detail::add_json_step(path, steps), ...);
  std::string code{static_cast<char>(operation_code::column), static_cast<char>(index)};
  detail::add_json_path(code, detail::json_code<V>(), path);
  return expression<V, source>{std::move(code)};
}

namespace detail {

template <class Owner, auto First, auto... Rest>
struct json_members {
  using here = owner_and_type<decltype(First)>;
  static_assert(std::same_as<Owner, typename here::owner>, "this member is not one of the struct before it");
  static constexpr auto index = member_index<Owner>(First);
  static_assert(index != no_column, "this member is not described");
  using element = without_optional<typename here::type>::type;
  static void add(std::string& path) {
    add_json_name(path, meta::describe<Owner>.members[index].name);
    if constexpr (sizeof...(Rest) > 0) json_members<element, Rest...>::add(path);
  }
  static consteval auto last() {
    if constexpr (sizeof...(Rest) > 0)
      return json_members<element, Rest...>::last();
    else
      return std::type_identity<element>{};
  }
};

}  // namespace detail

template <auto Member, alias_name Alias>
template <auto... Path>
auto column_of<Member, Alias>::get() const {
  using members = detail::json_members<element_type, Path...>;
  using V = decltype(members::last())::type;
  std::string path;
  members::add(path);
  std::string code{static_cast<char>(operation_code::column), static_cast<char>(index)};
  detail::add_json_path(code, detail::json_code<V>(), path);
  return expression<V, source>{std::move(code)};
}

}  // namespace slipway::db
