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

// Only for us: backups hold everything there is.
inline void make_private_directory(std::filesystem::path const& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw_system_error("make", path, error.value());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
}

}  // namespace slipway::backup
