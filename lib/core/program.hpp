// Other programs that a command of ours runs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway {

// The path of a program: the name itself where it has a slash, else the first one in the PATH. Empty when there is
// none that can be run.
std::optional<std::string> find_program(std::string_view name);

}  // namespace slipway
