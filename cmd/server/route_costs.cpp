#include "cmd/server/route_costs.hpp"

#include <charconv>

namespace app {
namespace {

// The value of a label of one line; empty when it has none of that name.
std::string label_of(std::string_view line, std::string_view name) {
  auto const key = std::string{name} + "=\"";
  auto const begin = line.find(key);
  if (begin == std::string_view::npos) return {};
  auto const text = line.substr(begin + key.size());
  return std::string{text.substr(0, text.find('"'))};
}

}  // namespace

route_costs read_route_costs(std::string_view metrics) {
  route_costs out;
  while (!metrics.empty()) {
    auto const line = metrics.substr(0, metrics.find('\n'));
    metrics.remove_prefix(std::min(line.size() + 1, metrics.size()));
    double route_cost::* member = line.starts_with("http_requests_total{")                    ? &route_cost::requests
                                  : line.starts_with("http_request_statements_total{")        ? &route_cost::statements
                                  : line.starts_with("http_request_statement_seconds_total{") ? &route_cost::seconds
                                                                                              : nullptr;
    auto const space = line.rfind(' ');
    if (member == nullptr || space == std::string_view::npos) continue;
    double value = 0;
    auto const number = line.substr(space + 1);
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{}) continue;
    out[{label_of(line, "method"), label_of(line, "route")}].*member += value;
  }
  return out;
}

}  // namespace app
