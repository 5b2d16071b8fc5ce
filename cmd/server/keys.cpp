#include "cmd/server/command_line.hpp"

#include <slipway/auth/key_ring.hpp>

#include <fmt/format.h>

namespace app {

int rotate_keys(invocation const& in, unsigned after_seconds) {
  auto const loaded = in.load();
  auth::key_ring keys{loaded.value.auth.keys};
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
