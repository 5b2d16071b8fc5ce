// Parts of the program that stand in files of their own and are loaded only where a setting asks for them, so that
// what they link costs neither memory nor time otherwise.
#pragma once

#include <string>

namespace slipway {

// Loads the file and gives the address of a symbol in it. A name without a slash is looked for beside the executable,
// in ../lib/slipway from there, and where the system looks; anything else is a path. It stays loaded until the process
// ends, because its libraries may have threads.
// Throws startup_error(exit_code::config) that names the file and `needs`, which says what must be installed.
void const* load_module(std::string const& file, char const* symbol, std::string const& needs);

}  // namespace slipway
