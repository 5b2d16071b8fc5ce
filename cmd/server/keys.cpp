#include "cmd/server/command_line.hpp"

#include <slipway/auth/key_ring.hpp>

#include <fmt/format.h>

namespace app {

int rotate_keys(invocation const& in, unsigned after_seconds) {
  auto const loaded = in.load();
  auto const& settings = loaded.value.auth.keys;
  if (auto const first = auth::make_first_key(settings)) {
    fmt::print("The key {} in {} is the first one: it signs at once{}.\n", *first, settings.directory,
               after_seconds == 0 ? "" : ", and --after has nothing to wait for");
    return 0;
  }
  auth::key_ring keys{settings};
  auto const kid = keys.rotate(std::chrono::seconds{after_seconds});
  fmt::print(
      "The key {} signs from {} on. Running services read it within seconds of the first token, or at once on "
      "SIGHUP.\n",
      kid, after_seconds == 0 ? std::string{"now"} : fmt::format("{} seconds", after_seconds));
  return 0;
}

int show_version() {
  fmt::print("slipway {} ({})\n", version_text(), revision_text());
  return 0;
}

}  // namespace app
