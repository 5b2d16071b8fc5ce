// Places in documents: `col<&person::name>`, `col<&person::home, &address::city>`; what is compared with them, and how
// documents are ordered by them. What does not fit the member's type does not compile.
//
//   col<&person::age> >= 18 && col<&person::home, &address::city>.in({"Bern", "Basel"})
//   col<&person::tags>.contains("new") || !col<&person::nickname>.exists()
#pragma once

#include <slipway/documents/encoding.hpp>
#include <slipway/documents/filter.hpp>
#include <slipway/meta/description.hpp>

#include <array>
#include <concepts>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace slipway::documents {
namespace detail {

template <class M>
struct member_pointer;
template <class S, class M>
struct member_pointer<M S::*> {
  using owner = S;
  using type = M;
};
template <auto M>
using owner_of = member_pointer<decltype(M)>::owner;
template <auto M>
using type_of = member_pointer<decltype(M)>::type;

template <class T>
struct plain {
  using type = T;
  static constexpr bool optional = false;
};
template <class T>
struct plain<std::optional<T>> {
  using type = T;
  static constexpr bool optional = true;
};

template <class T>
struct list_element {
  using type = void;
};
template <class T>
struct list_element<std::vector<T>> {
  using type = T;
};

// The name under which a member is described; empty when it is not.
template <auto M>
consteval std::string_view name_of_member() {
  std::string_view found;
  boost::mp11::mp_for_each<
      boost::describe::describe_members<owner_of<M>, boost::describe::mod_public | boost::describe::mod_inherited>>(
      [&](auto d) {
        if constexpr (std::is_same_v<std::remove_cv_t<decltype(d.pointer)>, std::remove_cv_t<decltype(M)>>)
          if (d.pointer == M) found = d.name;
      });
  return found;
}

template <class Inside, auto First, auto... Rest>
consteval bool path_leads() {
  if constexpr (!std::is_same_v<Inside, void> && !std::is_base_of_v<owner_of<First>, Inside>)
    return false;
  else if constexpr (sizeof...(Rest) == 0)
    return true;
  else
    return path_leads<typename plain<type_of<First>>::type, Rest...>();
}

template <auto... Members>
struct joined {
  static constexpr std::size_t size = (name_of_member<Members>().size() + ...) + sizeof...(Members) - 1;
  static constexpr auto text = [] {
    std::array<char, size> out{};
    auto* at = out.data();
    auto const add = [&at, &out](std::string_view name) {
      if (at != out.data()) *at++ = '.';
      for (auto c : name) *at++ = c;
    };
    (add(name_of_member<Members>()), ...);
    return out;
  }();
};

template <auto First, auto... Rest>
struct last_member : last_member<Rest...> {};
template <auto Last>
struct last_member<Last> {
  using type = type_of<Last>;
};

template <auto First, auto...>
inline constexpr auto first_of = First;

// Values that are one, and not built of others: these can be compared and indexed.
constexpr bool is_single(meta::type const& t) noexcept {
  switch (t.what) {
    case meta::kind::dynamic:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object:
    case meta::kind::list: return false;
    default: return true;
  }
}
// Those that have an order: names of enumerations are compared for equality alone.
constexpr bool is_ordered(meta::type const& t) noexcept {
  return is_single(t) && t.what != meta::kind::boolean && t.what != meta::kind::enumeration &&
         t.what != meta::kind::secret_text;
}
constexpr bool is_counted(meta::type const& t) noexcept {
  return t.what == meta::kind::integer || t.what == meta::kind::number || t.what == meta::kind::duration ||
         (t.what == meta::kind::scalar && t.as_scalar->column == meta::scalar_column::decimal);
}

// `given` as the type of the place.
template <class M, class V>
node as_node(V const& given) {
  if constexpr (std::same_as<M, V>) {
    return encode(given);
  } else if constexpr (std::same_as<M, std::string>) {
    static_assert(std::convertible_to<V const&, std::string_view>, "the place is text and the value is not");
    return encode(std::string{std::string_view{given}});
  } else if constexpr (std::integral<M> && std::integral<V> && !std::same_as<M, bool>) {
    return node::of(static_cast<std::int64_t>(given));  // not narrowed
  } else {
    static_assert(std::convertible_to<V const&, M>, "the value has not the type of the place");
    M const converted = static_cast<M>(given);
    return encode(converted);
  }
}

}  // namespace detail

// A place in the documents of a collection.
template <auto... Members>
struct path_of {
  static_assert(sizeof...(Members) > 0);
  static_assert((!detail::name_of_member<Members>().empty() && ...),
                "this member is not among those that BOOST_DESCRIBE_STRUCT names: it is not in the document");
  static_assert(detail::path_leads<void, Members...>(),
                "a step of the path is no member of what the step before it leads to");

  using document = detail::owner_of<detail::first_of<Members...>>;
  using member_type = detail::last_member<Members...>::type;
  using value_type = detail::plain<member_type>::type;  // without its optional
  static constexpr bool optional = detail::plain<member_type>::optional;
  static constexpr path_info info{{detail::joined<Members...>::text.data(), detail::joined<Members...>::size},
                                  &meta::describe<value_type>};

  template <class V>
  friend filter<document> operator==(path_of me, V const& v) {
    return me.template compare<filter_op::equal>(v);
  }
  template <class V>
  friend filter<document> operator!=(path_of me, V const& v) {
    return me.template compare<filter_op::not_equal>(v);
  }
  template <class V>
  friend filter<document> operator<(path_of me, V const& v) {
    return me.template compare<filter_op::less>(v);
  }
  template <class V>
  friend filter<document> operator<=(path_of me, V const& v) {
    return me.template compare<filter_op::less_equal>(v);
  }
  template <class V>
  friend filter<document> operator>(path_of me, V const& v) {
    return me.template compare<filter_op::greater>(v);
  }
  template <class V>
  friend filter<document> operator>=(path_of me, V const& v) {
    return me.template compare<filter_op::greater_equal>(v);
  }

  filter<document> exists() const { return plain(filter_op::exists); }
  filter<document> missing() const { return plain(filter_op::missing); }
  // Nothing is in an empty list. Throws std::length_error above `max_in` values.
  template <std::ranges::input_range R>
  filter<document> in(R const& list) const {
    static_assert(detail::is_single(*info.of), "only single values can be compared");
    auto out = plain(filter_op::in);
    for (auto const& each : list) out.root.values.push_back(detail::as_node<value_type>(each));
    if (out.root.values.size() > max_in) throw std::length_error{"more than 4096 values in one condition"};
    return out;
  }
  template <class V>
  filter<document> in(std::initializer_list<V> list) const {
    return in(std::views::all(list));
  }
  // Of a list: has this element.
  template <class V>
  filter<document> contains(V const& element) const {
    using element_type = detail::list_element<value_type>::type;
    static_assert(!std::is_void_v<element_type>, "only a list contains elements");
    static_assert(detail::is_single(meta::describe<element_type>), "only single values can be compared");
    return with(filter_op::contains, detail::as_node<element_type>(element));
  }
  filter<document> starts_with(std::string_view prefix) const
    requires std::same_as<value_type, std::string>
  {
    return with(filter_op::starts_with, detail::as_node<std::string>(prefix));
  }

 private:
  static filter<document> plain(filter_op op) { return {{.op = op, .at = &info}}; }
  static filter<document> with(filter_op op, node value) {
    auto out = plain(op);
    out.root.values.push_back(std::move(value));
    return out;
  }
  template <filter_op Op, class V>
  filter<document> compare(V const& v) const {
    constexpr bool equality = Op == filter_op::equal || Op == filter_op::not_equal;
    if constexpr (std::same_as<V, std::nullopt_t>) {
      static_assert(optional, "this place is never empty");
      static_assert(equality, "nothing is less than nothing");
      return plain(Op == filter_op::equal ? filter_op::missing : filter_op::exists);
    } else {
      static_assert(detail::is_single(*info.of), "only single values can be compared");
      static_assert(equality || detail::is_ordered(*info.of), "values of this type have no order");
      if constexpr (detail::plain<V>::optional) {
        if (!v) return compare<Op>(std::nullopt);
        return with(Op, detail::as_node<value_type>(*v));
      } else {
        return with(Op, detail::as_node<value_type>(v));
      }
    }
  }
};

template <auto... Members>
inline constexpr path_of<Members...> col{};

struct sort_key {
  path_info const* at;
  bool descends;
};
// What is missing comes first in an ascending order and last in a descending one.
template <auto... Members>
inline constexpr sort_key asc{&path_of<Members...>::info, false};
template <auto... Members>
inline constexpr sort_key desc{&path_of<Members...>::info, true};

}  // namespace slipway::documents
