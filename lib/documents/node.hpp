// A document as a tree, as both kinds of stores hold it: what a described struct becomes before it is JSON in a column
// or BSON on the wire, and what both become on the way back. Plain data and nothing but the standard library, because
// it also crosses the border to the module that holds the driver of MongoDB.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::documents {

// How the types of members are kept, so that all stores compare and order them alike:
//   integers, durations (milliseconds)        integer
//   time_point                                integer: microseconds since 1970; BSON's own date has only milliseconds
//   decimal<S>                                integer: the smallest units, exact also in sums
//   double, float                             number
//   std::string, enumerations (names), dates  text
//   uuid, id_of<T>                            uuid: 16 bytes in BSON (subtype 4), the canonical text in JSON
//   db::bytes                                 bytes: binary in BSON, base64 in JSON
//   std::optional                             absent when empty
enum class node_kind : std::uint8_t { null, boolean, integer, number, text, uuid, bytes, list, object };

struct node {
  using member = std::pair<std::string, node>;

  node_kind kind = node_kind::null;
  std::int64_t integer = 0;  // also of a boolean
  double number = 0;
  std::string text;  // also bytes
  std::array<std::uint8_t, 16> uuid{};
  std::vector<node> items;
  std::vector<member> members;  // in their order, names once

  static node null() { return {}; }
  static node of(bool value) { return {.kind = node_kind::boolean, .integer = value}; }
  static node of(std::int64_t value) { return {.kind = node_kind::integer, .integer = value}; }
  static node of(int value) { return of(std::int64_t{value}); }
  static node of(double value) { return {.kind = node_kind::number, .number = value}; }
  static node of(std::string value) { return {.kind = node_kind::text, .text = std::move(value)}; }
  static node of(std::string_view value) { return of(std::string{value}); }
  static node of(char const* value) { return of(std::string{value}); }
  static node of(std::array<std::uint8_t, 16> const& value) { return {.kind = node_kind::uuid, .uuid = value}; }
  static node list(std::vector<node> of = {}) { return {.kind = node_kind::list, .items = std::move(of)}; }
  static node object(std::vector<member> of = {}) { return {.kind = node_kind::object, .members = std::move(of)}; }

  bool is_null() const noexcept { return kind == node_kind::null; }
  node& add(std::string name, node value) {
    members.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  node const* find(std::string_view name) const noexcept {
    for (auto const& [key, value] : members)
      if (key == name) return &value;
    return nullptr;
  }
  node* find(std::string_view name) noexcept { return const_cast<node*>(std::as_const(*this).find(name)); }
  // What stands at the end of a path such as "home.city"; null when there is nothing.
  node const* at(std::string_view path) const noexcept {
    auto const* here = this;
    while (here != nullptr && !path.empty()) {
      auto const dot = path.find('.');
      here = here->find(path.substr(0, dot));
      path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    }
    return here;
  }
  void erase(std::string_view name) {
    std::erase_if(members, [name](member const& each) { return each.first == name; });
  }

  friend bool operator==(node const&, node const&) = default;
};

}  // namespace slipway::documents
