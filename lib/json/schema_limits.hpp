// What the rules of a member say, gathered from all of them for the keywords of a schema.
#pragma once

#include <slipway/meta/rules.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::json::detail {

struct schema_limits {
  std::optional<double> minimum, maximum, min_length, max_length, min_items, max_items;
  bool unique = false;
  std::string_view format;
  std::vector<std::string_view> patterns;
};

schema_limits limits_of(meta::attributes const& about);
// Of a duration, for which no keyword stands: "From 250ms to 30s."
std::string range_sentence(schema_limits const& limits);

}  // namespace slipway::json::detail
