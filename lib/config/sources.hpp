// Where settings come from, the weakest first: the defaults in the struct, <directory>/base.yaml,
// <directory>/<environment>.yaml, <directory>/local.yaml, .env (development only), environment variables, flags.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::config {

using variables = std::map<std::string, std::string, std::less<>>;

// The environment of this process. A variable without '=' is left out; of two with one name the first counts.
variables process_variables();

struct sources {
  std::filesystem::path directory = "config";
  // "development", "test", "production" or any other name. Everything but development and test is held to
  // production's rules for secrets.
  std::string environment = "development";
  std::filesystem::path dotenv = ".env";  // NAME=value lines, read in development when it is there
  std::string prefix = "SLIPWAY_";        // of the variables that are settings: SLIPWAY_HTTP__PORT is http.port
  config::variables variables;            // of the environment; also what ${NAME} refers to
  std::vector<std::string> flags;         // "http.port=8080", in their order; a later one wins
  // Variables with the prefix that are no settings, without the prefix; a '*' at the end stands for any rest.
  std::vector<std::string> reserved{"ENVIRONMENT", "CONFIG", "TEST_*"};

  bool is_production() const noexcept { return environment != "development" && environment != "test"; }
};

// The sources of this process: <prefix>ENVIRONMENT chooses the environment and <prefix>CONFIG the directory, where
// they are set.
sources process_sources(std::string prefix = "SLIPWAY_");

// Takes the settings out of a command line: "--set", "http.port=8080" and "--set=http.port=8080" anywhere,
// "--http.port=8080" and "--http.port 8080" for what has a dot in its name. What is left stays in `arguments`, for
// the parser of the commands. Everything after "--" is left alone.
std::vector<std::string> take_flags(std::vector<std::string>& arguments);

}  // namespace slipway::config
