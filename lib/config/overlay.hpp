// What environment variables and flags say, as trees.
#pragma once

#include <slipway/config/tree.hpp>

#include <functional>

namespace slipway::config {

// Variables with the prefix become settings; one that is none is a problem. `place_of` says where a variable stands.
node from_variables(meta::type const& t, sources const& from, variables const& known,
                    std::function<place(std::string const&)> const& place_of, std::vector<problem>& problems);

// "http.port=8080".
node from_flags(meta::type const& t, std::vector<std::string> const& flags, std::vector<problem>& problems);

}  // namespace slipway::config
