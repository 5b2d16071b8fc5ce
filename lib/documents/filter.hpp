// Which documents: a tree of conditions that each store translates into its own language, with the values apart.
// Made from places: path.hpp.
#pragma once

#include <slipway/documents/node.hpp>
#include <slipway/meta/description.hpp>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::documents {

// A place in a document. One for each path that is named anywhere, and it lives as long as the program.
struct path_info {
  std::string_view dotted;  // "home.city"
  meta::type const* of;     // the type of what stands there, without its optional
};

// A place that holds nothing is equal to no value, less than none and greater than none; so `not_equal` is true there.
enum class filter_op : std::uint8_t {
  everything,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  exists,
  missing,
  contains,     // a list has this element
  starts_with,  // with regard to case
  all_of,
  any_of,
  none_of,
};

struct filter_node {
  filter_op op = filter_op::everything;
  path_info const* at = nullptr;
  std::vector<node> values;
  std::vector<filter_node> inside;
};

// A condition on documents of the type T.
template <class T>
struct filter {
  filter_node root;

  friend filter operator&&(filter a, filter b) { return join(filter_op::all_of, std::move(a), std::move(b)); }
  friend filter operator||(filter a, filter b) { return join(filter_op::any_of, std::move(a), std::move(b)); }
  friend filter operator!(filter a) {
    filter out{{.op = filter_op::none_of}};
    out.root.inside.push_back(std::move(a.root));
    return out;
  }

 private:
  static filter join(filter_op op, filter a, filter b) {
    if (op == filter_op::all_of && a.root.op == filter_op::everything) return b;
    if (op == filter_op::all_of && b.root.op == filter_op::everything) return a;
    if (a.root.op == op) {
      a.root.inside.push_back(std::move(b.root));
      return a;
    }
    filter out{{.op = op}};
    out.root.inside.push_back(std::move(a.root));
    out.root.inside.push_back(std::move(b.root));
    return out;
  }
};

// To begin with, where pieces are added as they are needed.
template <class T>
filter<T> everything() {
  return {};
}

// At most so many values in an `in`.
inline constexpr std::size_t max_in = 4096;

}  // namespace slipway::documents
