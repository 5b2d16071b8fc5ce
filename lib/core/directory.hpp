// Directories that settings name.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace slipway {

enum class directory_for : bool { all_that_umask_lets, owner };

// Makes the last directory of the path, unless it is there: a path of which more is missing is rather misspelt, or a
// volume that is not mounted. A parent right in the working directory is made as well, such as the `var` of
// var/backups. Empty when it is there now.
std::error_code make_directory(std::filesystem::path const& path,
                               directory_for whom = directory_for::all_that_umask_lets);

// "cannot make a/b: there is no a. ..." with what to do, for what make_directory returned.
std::string why_not_made(std::filesystem::path const& path, std::error_code why);

}  // namespace slipway
