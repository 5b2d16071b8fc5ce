#include <slipway/core/directory.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <vector>

namespace slipway {
namespace {

namespace fs = std::filesystem;

std::error_code make_one(fs::path const& path, mode_t mode) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (::mkdir(path.c_str(), mode) == 0) return {};
  auto const why = errno;
  // Another process may have been faster; else a file has the name.
  if (why == EEXIST)
    return fs::is_directory(path, error) ? std::error_code{} : std::make_error_code(std::errc::not_a_directory);
  return {why, std::generic_category()};
}

std::vector<fs::path> parts_of(fs::path const& path) {
  std::vector<fs::path> out;
  for (auto const& part : path)
    if (!part.empty() && part != ".") out.push_back(part);
  return out;
}

}  // namespace

std::error_code make_directory(fs::path const& path, directory_for whom) {
  mode_t const mode = whom == directory_for::owner ? 0700 : 0777;
  if (auto const parts = parts_of(path); path.is_relative() && parts.size() == 2 && parts[0] != "..")
    if (auto const error = make_one(parts[0], 0777)) return error;
  return make_one(path, mode);
}

std::string why_not_made(fs::path const& path, std::error_code why) {
  auto text = "cannot make " + path.string() + ": ";
  if (why == std::errc::no_such_file_or_directory) {
    // The first that is missing says where the mistake is.
    fs::path missing = path;
    std::error_code error;
    for (auto parent = path; !parent.empty() && !fs::exists(parent, error) && parent != parent.parent_path();
         parent = parent.parent_path())
      missing = parent;
    return text + "there is no " + missing.string() +
           ". Correct the path, mount the volume, or make the directory first: only the last one of a path is made";
  }
  text += why.message();
  if (why == std::errc::permission_denied || why == std::errc::operation_not_permitted ||
      why == std::errc::read_only_file_system)
    text += ". This process needs to write there: correct its owner or mode, or name another place";
  return text;
}

}  // namespace slipway
