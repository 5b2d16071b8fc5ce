// Fills one described struct from every source, and finds everything that is wrong at once.
//
//   struct http_settings { std::uint16_t port = 8080; std::chrono::milliseconds idle{75'000}; };
//   BOOST_DESCRIBE_STRUCT(http_settings, (), (port, idle))
//   struct settings { http_settings http; secret<std::string> session_key; };
//   BOOST_DESCRIBE_STRUCT(settings, (), (http, session_key))
//
//   auto loaded = config::load<settings>(config::process_sources());   // startup_error names every problem
//   serve(loaded.value);
//
// Durations are written "250ms", "30s", "15m", "12h", "7d". Integers whose unit is "bytes" or not given take "16KB",
// "1MB", "2GB" as well (powers of 1024). Values may hold ${NAME}, ${NAME:-default}, and the secret references
// ${env:NAME} and ${file:/run/secrets/name}; $${ is a literal ${. In environment variables and flags only a value
// that is one secret reference as a whole is replaced, so that a password may hold any character.
#pragma once

#include <slipway/config/sources.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/meta/description.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::config {

// One thing that is wrong: "config/base.yaml:12:3: http.prot: unknown key; did you mean http.port?".
struct problem {
  std::string
      where;        // "config/base.yaml:12:3", "SLIPWAY_HTTP__PORT", "--set http.port"; empty: no source said anything
  std::string key;  // "http.port"; empty when the problem is not one key's
  std::string message;  // what is wrong, and what to do
  std::string text() const;
};

// Where each value came from, by key: "config/base.yaml:12", "SLIPWAY_HTTP__PORT", ".env:3", "--set http.port".
// Keys that are not here have their default.
struct provenance {
  std::map<std::string, std::string, std::less<>> from;
  std::vector<std::string> files;             // those that were read
  std::vector<std::string> referenced_files;  // by ${file:...}
  std::vector<std::string> referenced_keys;   // whose value came out of a secret reference: masked where they are shown
};

// The message after the place where that key was written, or the first of those below it, such as "nodes[0].name" of
// "nodes"; alone when no source said anything.
std::string at_its_place(provenance const& came, std::string_view key, std::string_view message);

// The untyped core of `load`: fills `settings` (of type `t`, default-constructed) and returns what is wrong with it.
// Members whose value could not be read keep their default. Never throws for bad input.
// Whether the values agree with each other is for those to ask who use them, who name the place with `at_its_place`.
std::vector<problem> load_into(meta::type const& t, void* settings, sources const& from, provenance& came);

// "3 problems with the configuration:\n  config/base.yaml:12:3: http.prot: ...".
std::string to_text(std::vector<problem> const& problems);

template <class T>
struct loaded {
  T value;
  provenance came;
};

// Throws startup_error(exit_code::config) whose message lists every problem.
template <meta::described T>
loaded<T> load(sources const& from) {
  loaded<T> out{};
  if (auto const problems = load_into(meta::describe<T>, &out.value, from, out.came); !problems.empty())
    throw startup_error{exit_code::config, to_text(problems)};
  return out;
}

}  // namespace slipway::config
