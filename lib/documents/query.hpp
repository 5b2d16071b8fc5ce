// What a collection is asked for: conditions, order, and a last call that starts it. Included by collection.hpp.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/core/page.hpp>
#include <slipway/documents/session.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::documents {

// What is computed for each group: `count()`, `sum(col<&order::total>)`.
template <class T, class V>
struct group_value {
  group_request::value what;
  using type = V;
};
template <class T>
group_value<T, std::int64_t> count() {
  return {{accumulator::count}};
}
template <auto... M>
auto sum(path_of<M...>) {
  using P = path_of<M...>;
  static_assert(detail::is_counted(*P::info.of), "only numbers can be added");
  return group_value<typename P::document, typename P::value_type>{{accumulator::sum, &P::info}};
}
// Of numbers and integers; a decimal's average is its sum divided by the count, with a rounding of your choice.
template <auto... M>
auto average(path_of<M...>) {
  using P = path_of<M...>;
  static_assert(std::is_arithmetic_v<typename P::value_type>, "the average is of integers and numbers");
  return group_value<typename P::document, double>{{accumulator::average, &P::info}};
}
template <auto... M>
auto least(path_of<M...>) {
  using P = path_of<M...>;
  static_assert(detail::is_ordered(*P::info.of), "values of this type have no order");
  return group_value<typename P::document, typename P::value_type>{{accumulator::least, &P::info}};
}
template <auto... M>
auto greatest(path_of<M...>) {
  using P = path_of<M...>;
  static_assert(detail::is_ordered(*P::info.of), "values of this type have no order");
  return group_value<typename P::document, typename P::value_type>{{accumulator::greatest, &P::info}};
}

namespace detail {

task<std::vector<node>> find_list(session& in, find_request what, bool bounded);
task<result<page<node>>> fetch_page(session& in, find_request what, std::string cursor, std::size_t limit);

template <class R>
std::vector<R> rows_as(std::vector<node> const& found) {
  std::vector<R> out(found.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    for (std::size_t m = 0; m < meta::describe<R>.members.size(); ++m) {
      auto const& member = meta::describe<R>.members[m];
      if (!found[i].items[m].is_null() || member.of->as_optional != nullptr)
        decode(*member.of, member.at(&out[i]), found[i].items[m]);
    }
  return out;
}

template <class Member, class Given>
inline constexpr bool takes = std::is_same_v<typename plain<Member>::type, Given>;

}  // namespace detail

// Groups of documents. `into<R>(values...)` names the struct: its members are the keys, then the values, in order; a
// key that documents may lack goes into an optional, and so does the least, greatest or average of none.
template <document T, class... Keys>
class grouping {
 public:
  grouping(session& in, filter_node where) : in_{&in} {
    what_.in = &info_of<T>;
    what_.where = std::move(where);
    (what_.keys.push_back(&Keys::info), ...);
  }
  grouping&& order_by(std::size_t column, bool descends = false) && {
    what_.order.push_back({column, descends});
    return std::move(*this);
  }
  grouping&& limit(std::int64_t most) && {
    what_.limit = most;
    return std::move(*this);
  }
  template <meta::described R, class... V>
  task<std::vector<R>> into(group_value<T, V>... values) && {
    static_assert(meta::describe<R>.members.size() == sizeof...(Keys) + sizeof...(V),
                  "the struct has another number of members than there are keys and values");
    check<R>(std::type_identity<boost::mp11::mp_list<typename Keys::value_type..., V...>>{});
    (what_.values.push_back(values.what), ...);
    return read<R>(*in_, std::move(what_));
  }

 private:
  template <class R, class Given>
  static constexpr void check(std::type_identity<Given>) {
    using members = boost::describe::describe_members<R, boost::describe::mod_public | boost::describe::mod_inherited>;
    boost::mp11::mp_for_each<boost::mp11::mp_iota_c<boost::mp11::mp_size<members>::value>>([](auto i) {
      using M = detail::member_pointer<std::remove_cv_t<decltype(boost::mp11::mp_at_c<members, i>::pointer)>>::type;
      static_assert(detail::takes<M, boost::mp11::mp_at_c<Given, i>>,
                    "a member of the struct cannot hold the key or value of its place");
    });
  }
  template <class R>
  static task<std::vector<R>> read(session& in, group_request what) {
    auto const found = co_await in.group(std::move(what));
    co_return detail::rows_as<R>(found);
  }

  session* in_;
  group_request what_;
};

template <document T>
class query {
 public:
  explicit query(session& in) : in_{&in} { what_.in = &info_of<T>; }

  query&& where(filter<T> condition) && {
    auto all = filter<T>{std::move(what_.where)} && std::move(condition);
    what_.where = std::move(all.root);
    return std::move(*this);
  }
  template <class... Keys>
  query&& order_by(Keys... keys) && {
    (what_.order.push_back(keys), ...);
    return std::move(*this);
  }
  query&& skip(std::int64_t count) && {
    what_.skip = count;
    return std::move(*this);
  }
  query&& limit(std::int64_t most) && {
    what_.limit = most;
    bounded_ = true;
    return std::move(*this);
  }

  // Without a limit: throws std::length_error when there are more than `max_found`.
  task<std::vector<T>> all() && { return documents(*in_, std::move(what_), bounded_); }
  task<std::optional<T>> first() && {
    what_.limit = 1;
    return first_of(*in_, std::move(what_));
  }
  // Or not_found.
  task<result<T>> one() && {
    what_.limit = 1;
    return one_of(*in_, std::move(what_));
  }
  task<std::int64_t> count() && { return in_->count(info_of<T>, std::move(what_.where)); }
  task<bool> exists() && {
    what_.limit = 1;
    return any_of(*in_, std::move(what_));
  }
  // Continues after the last document of the page before instead of passing over documents. malformed("bad_cursor")
  // for what is no cursor of this order.
  task<result<page<T>>> page(std::string cursor, std::size_t limit) && {
    return pages(*in_, std::move(what_), std::move(cursor), limit);
  }
  // Only what R holds: its members are those of T with these names.
  template <meta::described R>
  task<std::vector<R>> select() && {
    add_members<R>();
    return parts<R>(*in_, std::move(what_), bounded_);
  }
  // The values of one place, of the documents that have one.
  template <auto... M>
  task<std::vector<typename path_of<M...>::value_type>> pluck(path_of<M...>) && {
    what_.only.push_back(&path_of<M...>::info);
    return values<typename path_of<M...>::value_type>(*in_, std::move(what_), bounded_);
  }
  template <class... Keys>
  grouping<T, Keys...> group_by(Keys...) && {
    return {*in_, std::move(what_.where)};
  }

  // The number of documents that were found and changed.
  task<std::int64_t> update(changes<T> what) && {
    return in_->change_many(info_of<T>, std::move(what_.where), std::move(what).take());
  }
  task<std::int64_t> remove() && { return in_->remove(info_of<T>, std::move(what_.where)); }

 private:
  template <class R>
  void add_members() {
    boost::mp11::mp_for_each<
        boost::describe::describe_members<R, boost::describe::mod_public | boost::describe::mod_inherited>>(
        [this](auto d) { this->template add_member<R, decltype(d)>(); });
  }
  template <class R, class D>
  void add_member() {
    constexpr std::size_t count = [] {
      std::size_t found = 0;
      boost::mp11::mp_for_each<
          boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>>(
          [&found](auto own) {
            if constexpr (std::is_same_v<typename detail::member_pointer<std::remove_cv_t<decltype(own.pointer)>>::type,
                                         typename detail::member_pointer<std::remove_cv_t<decltype(D::pointer)>>::type>)
              if (std::string_view{own.name} == D::name) ++found;
          });
      return found;
    }();
    static_assert(count == 1, "a member of the struct is none of the document's, or is of another type there");
    for (auto const& each : info_of<T>.members)
      if (each.dotted == D::name) what_.only.push_back(&each);
  }
  static task<std::vector<T>> documents(session& in, find_request what, bool bounded) {
    auto const found = co_await detail::find_list(in, std::move(what), bounded);
    std::vector<T> out;
    out.reserve(found.size());
    for (auto const& each : found) out.push_back(decode<T>(each));
    co_return out;
  }
  static task<std::optional<T>> first_of(session& in, find_request what) {
    auto const found = co_await in.find(std::move(what));
    co_return found.empty() ? std::optional<T>{} : decode<T>(found.front());
  }
  static task<result<T>> one_of(session& in, find_request what) {
    auto const found = co_await in.find(std::move(what));
    if (found.empty()) co_return fault::not_found();
    co_return decode<T>(found.front());
  }
  static task<bool> any_of(session& in, find_request what) {
    auto const found = co_await in.find(std::move(what));
    co_return !found.empty();
  }
  static task<result<slipway::page<T>>> pages(session& in, find_request what, std::string cursor, std::size_t limit) {
    auto found = co_await ok(detail::fetch_page(in, std::move(what), std::move(cursor), limit));
    slipway::page<T> out{.next = std::move(found.next)};
    for (auto const& each : found.items) out.items.push_back(decode<T>(each));
    co_return out;
  }
  template <class R>
  static task<std::vector<R>> parts(session& in, find_request what, bool bounded) {
    auto const found = co_await detail::find_list(in, std::move(what), bounded);
    std::vector<R> out;
    out.reserve(found.size());
    for (auto const& each : found) out.push_back(decode<R>(each));
    co_return out;
  }
  template <class V>
  static task<std::vector<V>> values(session& in, find_request what, bool bounded) {
    auto const* at = what.only.front();
    auto const found = co_await detail::find_list(in, std::move(what), bounded);
    std::vector<V> out;
    for (auto const& each : found)
      if (auto const* value = each.find(at->dotted); value != nullptr && !value->is_null())
        out.push_back(decode<V>(*value));
    co_return out;
  }

  session* in_;
  find_request what_;
  bool bounded_ = false;
};

}  // namespace slipway::documents
