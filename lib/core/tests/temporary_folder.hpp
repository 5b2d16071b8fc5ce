// A new folder of a test's own; gone with the object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace slipway::tests {

class temporary_folder {
 public:
  // `purpose` is part of its name. Throws std::runtime_error.
  explicit temporary_folder(std::string_view purpose)
      : path_{(std::filesystem::temp_directory_path() / ("slipway-" + std::string{purpose} + "-XXXXXX")).string()} {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"no temporary folder " + path_};
  }
  temporary_folder(temporary_folder const&) = delete;
  temporary_folder& operator=(temporary_folder const&) = delete;
  ~temporary_folder() {
    std::error_code ignored;  // nothing depends on it
    std::filesystem::remove_all(path_, ignored);
  }
  std::string const& path() const noexcept { return path_; }
  std::string operator/(std::string_view file) const { return path_ + "/" + std::string{file}; }

 private:
  std::string path_;
};

}  // namespace slipway::tests
