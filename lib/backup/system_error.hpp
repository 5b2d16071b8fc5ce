// What the system refused, as a sentence with the right exit code.
#pragma once

#include <slipway/core/directory.hpp>
#include <slipway/core/errors.hpp>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace slipway::backup {

// `absent`: for a path that is not there or leads through a file.
inline exit_code exit_code_of(int error, exit_code absent = exit_code::data) noexcept {
  return error == EACCES || error == EPERM || error == EROFS      ? exit_code::permission
         : error == ENOSPC || error == EDQUOT || error == EEXIST  ? exit_code::cannot_create
         : error == ENOENT || error == EISDIR || error == ENOTDIR ? absent
                                                                  : exit_code::os;
}

[[noreturn]] inline void throw_system_error(std::string const& what, std::filesystem::path const& path,
                                            int error = errno) {
  throw startup_error{exit_code_of(error),
                      "cannot " + what + " " + path.string() + ": " + std::generic_category().message(error)};
}

// `setting` is what names it, for the message.
inline void need_directory(std::string_view setting, std::filesystem::path const& path,
                           directory_for whom = directory_for::all_that_umask_lets) {
  if (auto const why = make_directory(path, whom))
    throw startup_error{exit_code_of(why.value(), exit_code::cannot_create),
                        std::string{setting} + ": " + why_not_made(path, why)};
}

// Only for us: backups hold everything there is.
inline void need_private_directory(std::string_view setting, std::filesystem::path const& path) {
  need_directory(setting, path, directory_for::owner);
  std::error_code ignored;  // one that was there may be another user's, who shares it with us
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, ignored);
}

}  // namespace slipway::backup
