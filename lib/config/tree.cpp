#include <slipway/config/tree.hpp>

#include <utility>

namespace slipway::config {

void lay_over(node& under, node over) {
  // "http:" with nothing under it says nothing.
  if (over.what == node::shape::null && under.what == node::shape::map) return;
  if (under.what != node::shape::map || over.what != node::shape::map) {
    under = std::move(over);
    return;
  }
  for (auto& e : over.entries) {
    if (auto* const there = under.find(e.key))
      lay_over(*there, std::move(e.value));
    else
      under.entries.push_back(std::move(e));
  }
}

}  // namespace slipway::config
