// What the system refused, as a sentence with the right exit code.
#pragma once

#include <slipway/core/errors.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace slipway::backup {

[[noreturn]] inline void throw_system_error(std::string const& what, std::filesystem::path const& path,
                                            int error = errno) {
  auto const code = error == EACCES || error == EPERM                        ? exit_code::permission
                    : error == ENOSPC || error == EDQUOT || error == EEXIST  ? exit_code::cannot_create
                    : error == ENOENT || error == EISDIR || error == ENOTDIR ? exit_code::data
                                                                             : exit_code::os;
  throw startup_error{code, "cannot " + what + " " + path.string() + ": " + std::generic_category().message(error)};
}

}  // namespace slipway::backup
