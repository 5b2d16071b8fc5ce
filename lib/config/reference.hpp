// What can be said about the settings without loading any, and what is in force when they are loaded: all of it from
// the described struct, so it cannot be out of date.
#pragma once

#include <slipway/config/loader.hpp>

#include <string>
#include <string_view>

namespace slipway::config {

// One line a key: key, value, where it came from. Secrets, sensitive members and what came out of a secret
// reference are masked. `prefix` is that of the environment variables.
std::string show(meta::type const& t, void const* settings, provenance const& came);
template <meta::described T>
std::string show(loaded<T> const& l) {
  return show(meta::describe<T>, &l.value, l.came);
}

// JSON Schema 2020-12 of the YAML files, for editors; "x-reload" marks what may change while the service runs. `defaults` is a default-constructed settings struct.
std::string schema(meta::type const& t, void const* defaults);
// The reference page: a table of every key with its type, default, unit, variable, whether it may change while the
// service runs, and what it is for.
std::string reference_markdown(meta::type const& t, void const* defaults, std::string_view prefix = "SLIPWAY_");
// The same as a YAML file that could be used as it is: every key at its default, commented out and explained.
std::string reference_yaml(meta::type const& t, void const* defaults, std::string_view prefix = "SLIPWAY_");

template <meta::described T>
std::string schema() {
  T const defaults{};
  return schema(meta::describe<T>, &defaults);
}
template <meta::described T>
std::string reference_markdown(std::string_view prefix = "SLIPWAY_") {
  T const defaults{};
  return reference_markdown(meta::describe<T>, &defaults, prefix);
}
template <meta::described T>
std::string reference_yaml(std::string_view prefix = "SLIPWAY_") {
  T const defaults{};
  return reference_yaml(meta::describe<T>, &defaults, prefix);
}

}  // namespace slipway::config
