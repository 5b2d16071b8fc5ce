// A folder of a test's own; gone with the object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace slipway::tls::tests {

class folder {
 public:
  folder() : path_{(std::filesystem::temp_directory_path() / "slipway-tls-XXXXXX").string()} {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"no folder for the test: " + path_};
  }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(std::string const& file) const { return path_ + "/" + file; }

 private:
  std::string path_;
};

}  // namespace slipway::tls::tests
