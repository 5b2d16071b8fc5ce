// .env: NAME=value, one a line. "export " before the name, comments and quotes are understood: 'literal', and
// "with \n, \t, \", \\ and \$". A quoted value ends on its line.
#pragma once

#include <slipway/config/tree.hpp>

#include <map>

namespace slipway::config {

struct dotenv_value {
  std::string text;
  int line = 0;
};
std::map<std::string, dotenv_value, std::less<>> parse_dotenv(std::string_view text, std::string const& source,
                                                              std::vector<problem>& problems);

}  // namespace slipway::config
