// YAML text to a tree. The only file that knows the YAML library is yaml.cpp.
#pragma once

#include <slipway/config/tree.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::config {

// Empty when the text is not YAML or too large, with a problem that says where. A text without any content is an
// empty map. Aliases are expanded, and count against the limits as if written out; merge keys are not known.
std::optional<node> parse_yaml(std::string_view text, std::string const& source, std::vector<problem>& problems);

}  // namespace slipway::config
