// What each route has cost so far, read from the metrics of a running service.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace app {

struct route_cost {
  double requests = 0, statements = 0, seconds = 0;  // seconds: in the database
};
// By method and pattern.
using route_costs = std::map<std::pair<std::string, std::string>, route_cost>;

// From Prometheus' text format. What is no metric of routes is passed over.
route_costs read_route_costs(std::string_view metrics);

}  // namespace app
