// The models that a program has, for what walks all of them: the comparison of models and schema, exports.
//
//   inline db::models all_tables() { return db::models_of<user, note>(); }
#pragma once

#include <slipway/db/table.hpp>

#include <memory>
#include <vector>

namespace slipway::db {

// A column that holds another model's key, because it is an id_of of it.
struct model_reference {
  std::uint8_t member = no_column;
  table_info const* to = nullptr;
};

struct model {
  table_info const* table = nullptr;
  // A row in which every member has its initial value: what rows get that were there before a column was.
  std::shared_ptr<void const> fresh;
  std::vector<model_reference> references{};
};
using models = std::vector<model>;

namespace detail {

template <stored T, stored... All>
model make_model() {
  model out{.table = &info_of<T>, .fresh = std::make_shared<T const>()};
  std::uint8_t index = 0;
  using members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
  boost::mp11::mp_for_each<members>([&](auto d) {
    using M = std::remove_cvref_t<decltype(std::declval<T&>().*d.pointer)>;
    using owner = key_owner<M>::type;
    if constexpr ((std::same_as<owner, All> || ...))
      if (index != info_of<T>.key) out.references.push_back({.member = index, .to = &info_of<owner>});
    ++index;
  });
  return out;
}

}  // namespace detail

template <stored... T>
models models_of() {
  return {detail::make_model<T, T...>()...};
}

}  // namespace slipway::db
