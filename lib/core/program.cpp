#include <slipway/core/program.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace slipway {

std::optional<std::string> find_program(std::string_view name) {
  if (name.empty()) return std::nullopt;
  auto const runs = [](std::string const& path) { return ::access(path.c_str(), X_OK) == 0; };
  if (name.find('/') != std::string_view::npos)
    return runs(std::string{name}) ? std::optional{std::string{name}} : std::nullopt;
  auto const* const path = std::getenv("PATH");
  std::string_view places = path != nullptr ? path : "";
  while (!places.empty()) {
    auto const end = std::min(places.find(':'), places.size());
    if (auto candidate = std::string{places.substr(0, end)}.append("/").append(name); runs(candidate)) return candidate;
    places.remove_prefix(std::min(end + 1, places.size()));
  }
  return std::nullopt;
}

}  // namespace slipway
