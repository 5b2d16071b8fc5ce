// Asks the service that runs with these settings, at its operators' address.
#pragma once

#include "cmd/server/command_line.hpp"

#include <string>

namespace app {

// The body of the answer. `from`: "http://127.0.0.1:8081"; empty: the first of operations.listen. Throws startup_error
// (unavailable) when nobody answers there.
std::string ask_running(settings const& s, std::string from, std::string const& path);

}  // namespace app
