#include "tools.hpp"

#include <slipway/core/program.hpp>

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace slipway::tests {

ran run(std::string const& line) {
  auto const close = [](std::FILE* f) { ::pclose(f); };
  std::unique_ptr<std::FILE, decltype(close)> pipe{::popen(("(" + line + ") 2>&1").c_str(), "re"), close};
  if (!pipe) throw std::runtime_error{"no pipe to: " + line};
  ran out;
  char piece[4096];
  while (auto const n = std::fread(piece, 1, sizeof piece, pipe.get())) out.output.append(piece, n);
  auto const status = ::pclose(pipe.release());
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

ran read_profile(std::string const& program, std::string const& profile) {
  return run("google-pprof --text '" + program + "' '" + profile + "'");
}

std::string no_viewer() {
  if (!find_program("google-pprof")) return "SKIPPED LOUDLY: no google-pprof: install google-perftools";
  if (std::filesystem::read_symlink("/proc/self/exe").string().contains(' '))
    return "SKIPPED LOUDLY: google-pprof finds no names in a program whose path has a space";
  return {};
}

}  // namespace slipway::tests
