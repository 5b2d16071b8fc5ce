#include "cmd/server/ready_file.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/json/object_writer.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace app {

using namespace slipway;

std::string joined(std::vector<std::string> const& texts) {
  std::string out;
  for (auto const& t : texts) out += (out.empty() ? "" : ", ") + t;
  return out;
}

void ready(std::string const& file, std::vector<std::string> const& http, std::vector<std::string> const& operators) {
  if (!file.empty()) {
    json::buffer text;
    json::object_writer{text}.add("http", http).add("operator", operators);
    // Written beside and renamed, so that nobody reads half of it.
    auto const beside = file + ".new";
    std::ofstream out{beside};
    out << text.view() << '\n';
    out.close();
    std::error_code error;
    if (out) std::filesystem::rename(beside, file, error);
    if (!out || error) {
      auto const cause = error ? error.value() : errno;
      std::filesystem::remove(beside, error);
      auto const code =
          cause == EACCES || cause == EPERM || cause == EROFS ? exit_code::permission : exit_code::cannot_create;
      throw startup_error{code, "cannot write " + file + ": " + std::strerror(cause) +
                                    ". Name a file in a directory that can be written."};
    }
  }
  if (::isatty(STDERR_FILENO) == 0 || http.empty()) return;
  std::fprintf(stderr, "\n  service        http://%s\n  documentation  http://%s/docs\n", http[0].c_str(),
               http[0].c_str());
  if (!operators.empty()) std::fprintf(stderr, "  operators      http://%s/metrics\n", operators[0].c_str());
  std::fprintf(stderr, "  Ctrl-C stops it\n\n");
}

}  // namespace app
