// Tells whoever started the service that it serves, and where.
#pragma once

#include <string>
#include <vector>

namespace app {

// Writes {"http":[...],"operator":[...]} to the file, if one is named, and the addresses to open to a terminal.
// Throws startup_error when the file cannot be written.
void ready(std::string const& file, std::vector<std::string> const& http, std::vector<std::string> const& operators);
std::string joined(std::vector<std::string> const& texts);

}  // namespace app
