// The parameters of one handler, taken from a request and kept until the handler is done. The router's own.
#pragma once

#include <slipway/api/extract.hpp>

#include <cstddef>
#include <utility>

namespace slipway::api::detail {

// Keeps the first fault; the wrong fields of several invalid parameters are told together.
void collect(fault*& first, fault& next);

template <std::size_t I, class A>
struct taken_one {
  decltype(extractor<A>::take(std::declval<extraction&>())) value;
};

template <class Indices, class... A>
class taken_all;

// Not a tuple: its elements are made in place, in the order of the signature.
template <std::size_t... I, class... A>
class taken_all<std::index_sequence<I...>, A...> : taken_one<I, A>... {
 public:
  explicit taken_all([[maybe_unused]] extraction& from) : taken_one<I, A>{extractor<A>::take(from)}... {}
  taken_all(taken_all const&) = delete;

  // What was wrong with them; null: nothing.
  fault* wrong() {
    fault* first = nullptr;
    ((taken_one<I, A>::value ? void() : collect(first, taken_one<I, A>::value.error())), ...);
    return first;
  }

  template <class C, class Outcome>
  Outcome hand_to(C& c, Outcome (C::*handler)(A...)) {
    return (c.*handler)(passing<A>::pass(taken_one<I, A>::value)...);
  }
};

template <class... A>
using taken = taken_all<std::index_sequence_for<A...>, A...>;

}  // namespace slipway::api::detail
