// What a server refuses about its settings, found before there is one: for a command that checks a configuration.
#pragma once

#include <slipway/http/server.hpp>

#include <string>
#include <vector>

namespace slipway::http {

struct refused_setting {
  std::string key;      // "http.trusted_proxies"
  std::string message;  // names the setting, and says what to do
};

// Everything that is wrong with the values: addresses, networks, names, and what belongs together. Opens nothing.
// A server with such settings throws the first of these as startup_error.
std::vector<refused_setting> refused_values(server_settings const& s);

// What is wrong with the certificates; reads their files. For settings whose values are good.
std::vector<refused_setting> refused_certificates(tls_settings const& s);

}  // namespace slipway::http
