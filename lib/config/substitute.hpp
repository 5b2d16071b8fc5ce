// ${NAME}, ${NAME:-default}, ${env:NAME} and ${file:path} in the texts of a tree.
#pragma once

#include <slipway/config/tree.hpp>

namespace slipway::config {

struct substitution {
  variables const& known;
  std::vector<problem>& problems;
  std::vector<std::string>& files;  // that were referred to
};

// Replaces what stands in one text. `whole_only`: only when the text as a whole is one ${env:...} or ${file:...}.
// False: there was a problem, and `n` has no meaning.
bool substitute(node& n, substitution& with, bool whole_only, std::string_view key);

// The same in every text of the tree.
void substitute_all(node& n, substitution& with, bool whole_only, std::string const& key = {});

}  // namespace slipway::config
