// Conditions over the columns of one or several tables, checked at compile time:
//
//   col<&note::owner_id> == who.user() && (col<&note::title>.contains(q) || col<&note::pinned> == true)
//
// A condition is a short program over column numbers with its values beside it. Values never become text of a
// statement, and two conditions of the same shape share one prepared statement. Columns: column.hpp.
#pragma once

#include <slipway/db/table_info.hpp>
#include <slipway/db/value.hpp>

#include <boost/mp11.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace slipway::db {

// A program in reverse Polish order. Each of these leaves one piece of SQL; those of the second group take some.
enum class operation_code : char {
  // of one column, whose number follows
  equal = 1,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  between,
  is_null,
  is_not_null,
  like,         // without case; the value is a pattern for LIKE
  has_element,  // of a list of texts
  starts_with,
  in,        // then two bytes: the number of values
  in_query,  // then a query with a column, see add_query
  column,    // the column itself

  // of what stands before
  conjunction,
  disjunction,
  negation,
  compare,      // an expression with a value; then the sign, an operation_code from `equal` to `greater_equal`
  compare_two,  // two expressions; then the sign
  test_null,    // an expression; then is_null or is_not_null
  aggregate,    // an expression; then an aggregate_code
  json_text,    // a part of a JSON column as text, number or boolean; then a path, see json_path
  json_number,
  json_boolean,
  ordered,  // an expression in `order by`; then its flags, see order_flags

  // of nothing
  always,
  never,
  count_all,
  exists_query,  // then a query
  source,        // then a pointer to a source_info: where the columns from here on belong
};

enum class aggregate_code : char { count = 1, count_distinct, sum, average, minimum, maximum };

// In reverse Polish order, with the values in the order in which it asks for them.
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

// Appends what says that columns from here on belong to this source.
void add_source(std::string& code, source_info const& from);
// Pads to a power of two, so that lists of all lengths share few statements. Throws value_error above 4096 values.
void add_list(untyped_condition& to, std::uint8_t column, values list);

}  // namespace detail

// Over the given sources: tables, or tables in a role.
template <class... Sources>
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
  // For a query of several tables: each column says whose it is.
  untyped_condition qualified() && {
    if constexpr (sizeof...(Sources) == 1) {
      if (body_.code.empty()) return {};
      std::string code;
      (detail::add_source(code, detail::source<Sources>::info), ...);
      body_.code.insert(0, code);
    }
    return std::move(body_);
  }

 private:
  untyped_condition body_;
};

namespace detail {

template <class... A, class... B>
auto join_conditions(condition<A...> a, condition<B...> b, operation_code with) {
  using all = boost::mp11::mp_set_union<boost::mp11::mp_list<A...>, boost::mp11::mp_list<B...>>;
  auto left = std::move(a).qualified();
  left.join(std::move(b).qualified(), with);
  return boost::mp11::mp_apply<condition, all>{std::move(left)};
}

}  // namespace detail

template <class... A, class... B>
  requires(!std::same_as<condition<A...>, condition<B...>>)
auto operator&&(condition<A...> a, condition<B...> b) {
  return detail::join_conditions(std::move(a), std::move(b), operation_code::conjunction);
}
template <class... A, class... B>
  requires(!std::same_as<condition<A...>, condition<B...>>)
auto operator||(condition<A...> a, condition<B...> b) {
  return detail::join_conditions(std::move(a), std::move(b), operation_code::disjunction);
}

// The start of a condition that is put together piece by piece: true for every row.
template <stored T>
condition<T> everything() {
  untyped_condition all;
  all.add(operation_code::always);
  return condition<T>{std::move(all)};
}

}  // namespace slipway::db
