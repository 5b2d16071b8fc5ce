// A tree into the described struct that it is meant for.
#pragma once

#include <slipway/config/tree.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace slipway::config {

struct binding {
  meta::type const& root;
  std::vector<problem>& problems;
  provenance& came;
  std::map<std::string, place, std::less<>> places;  // of every key that a source set
  std::set<std::string, std::less<>> failed;         // keys whose value could not be read: their rules are not checked
};

void bind(binding& in, node const& root, void* settings);

}  // namespace slipway::config
