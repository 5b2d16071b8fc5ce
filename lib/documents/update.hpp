// What changes inside documents, without reading them first:
//
//   co_await people.update(id, changes<person>().set(col<&person::name>, "Ann").inc(col<&person::visits>, 1)
//                                  .add_to_set(col<&person::tags>, "new").now(col<&person::seen_at>));
//
// All changes of one document are done together or not at all. A place may be changed once in one list of changes.
#pragma once

#include <slipway/documents/path.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace slipway::documents {

enum class update_op : std::uint8_t {
  set,
  unset,       // of optional places
  increment,   // of what is missing: from zero
  push,        // at the end of a list
  pull,        // every element that is equal
  add_to_set,  // at the end, unless the list has one that is equal
  least,       // what is there stays when it is less
  greatest,
};

struct update_step {
  update_op op;
  path_info const* at;
  node value;
};

// `now` as it stands in a list of changes until it is sent: the store's clock gives the time.
struct update_steps {
  std::vector<update_step> steps;
  std::vector<path_info const*> now;

  bool empty() const noexcept { return steps.empty() && now.empty(); }
};

template <class T>
class changes {
 public:
  template <auto... M, class V>
  changes&& set(path_of<M...>, V const& value) && {
    using P = path_of<M...>;
    check<P>();
    if constexpr (std::same_as<V, std::nullopt_t>) {
      static_assert(P::optional, "this place is never empty");
      return std::move(*this).add(update_op::unset, &P::info, {});
    } else if constexpr (detail::plain<V>::optional) {
      if (!value) return std::move(*this).unset(P{});
      return std::move(*this).add(update_op::set, &P::info, detail::as_node<typename P::value_type>(*value));
    } else {
      return std::move(*this).add(update_op::set, &P::info, detail::as_node<typename P::value_type>(value));
    }
  }
  template <auto... M>
  changes&& unset(path_of<M...>) && {
    check<path_of<M...>>();
    static_assert(path_of<M...>::optional, "only an optional member can be without a value");
    return std::move(*this).add(update_op::unset, &path_of<M...>::info, {});
  }
  // Integers, numbers, durations and decimals; a negative value takes away. db::input_error when the sum leaves the
  // range of 64 bits.
  template <auto... M, class V>
  changes&& inc(path_of<M...>, V const& by) && {
    using P = path_of<M...>;
    check<P>();
    static_assert(detail::is_counted(*P::info.of), "only numbers can be added to");
    return std::move(*this).add(update_op::increment, &P::info, detail::as_node<typename P::value_type>(by));
  }
  template <auto... M, class V>
  changes&& push(path_of<M...>, V const& element) && {
    return std::move(*this).template element<M...>(update_op::push, element);
  }
  template <auto... M, class V>
  changes&& pull(path_of<M...>, V const& element) && {
    static_assert(
        detail::is_single(meta::describe<typename detail::list_element<typename path_of<M...>::value_type>::type>),
        "only single values can be compared");
    return std::move(*this).template element<M...>(update_op::pull, element);
  }
  template <auto... M, class V>
  changes&& add_to_set(path_of<M...>, V const& element) && {
    static_assert(
        detail::is_single(meta::describe<typename detail::list_element<typename path_of<M...>::value_type>::type>),
        "only single values can be compared");
    return std::move(*this).template element<M...>(update_op::add_to_set, element);
  }
  // Not above this value, and not below it.
  template <auto... M, class V>
  changes&& min(path_of<M...>, V const& value) && {
    return std::move(*this).template bound<M...>(update_op::least, value);
  }
  template <auto... M, class V>
  changes&& max(path_of<M...>, V const& value) && {
    return std::move(*this).template bound<M...>(update_op::greatest, value);
  }
  // The time by the store's clock.
  template <auto... M>
  changes&& now(path_of<M...>) && {
    check<path_of<M...>>();
    static_assert(std::is_same_v<typename path_of<M...>::value_type, time_point>, "this place holds no time_point");
    steps_.now.push_back(&path_of<M...>::info);
    return std::move(*this);
  }

  update_steps take() && { return std::move(steps_); }

 private:
  template <class P>
  static constexpr void check() {
    static_assert(std::is_same_v<typename P::document, T>, "a path of another collection's documents");
    static_assert(P::info.dotted != "id", "the id of a document never changes");
  }
  template <auto... M, class V>
  changes&& element(update_op op, V const& value) && {
    using P = path_of<M...>;
    using E = detail::list_element<typename P::value_type>::type;
    check<P>();
    static_assert(!std::is_void_v<E>, "only a list has elements");
    return std::move(*this).add(op, &P::info, detail::as_node<E>(value));
  }
  template <auto... M, class V>
  changes&& bound(update_op op, V const& value) && {
    using P = path_of<M...>;
    check<P>();
    static_assert(detail::is_ordered(*P::info.of), "values of this type have no order");
    return std::move(*this).add(op, &P::info, detail::as_node<typename P::value_type>(value));
  }
  changes&& add(update_op op, path_info const* at, node value) && {
    steps_.steps.push_back({op, at, std::move(value)});
    return std::move(*this);
  }

  update_steps steps_;
};

}  // namespace slipway::documents
