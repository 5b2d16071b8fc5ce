// Commands about the settings.
#include "cmd/server/checks.hpp"
#include "cmd/server/command_line.hpp"

#include <slipway/config/reference.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>

namespace app {

int config_show(invocation const& in) {
  fmt::print("{}", config::show(in.load()));
  return 0;
}

int config_check(invocation const& in) {
  config::loaded<settings> read;
  auto const problems = read_and_check(in.sources, read);
  if (problems.empty()) {
    fmt::print("The configuration for {} is good.\n", in.sources.environment);
    return 0;
  }
  fmt::print(stderr, "{}\n", config::to_text(problems));
  return static_cast<int>(exit_code::config);
}

int config_schema() {
  fmt::print("{}\n", config::schema<settings>());
  return 0;
}

int config_reference(bool yaml) {
  fmt::print("{}", yaml ? config::reference_yaml<settings>() : config::reference_markdown<settings>());
  return 0;
}

}  // namespace app
