// A URL, taken apart by libcurl's own parser, so that what is checked is what is connected to. Private to the library.
#pragma once

#include <string>
#include <string_view>

namespace slipway::http_client {

struct target {
  std::string url;     // normalised, without a fragment
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; IPv6 in brackets
  std::string port;    // always there
  std::string origin() const { return scheme + "://" + host + ":" + port; }
};

// Throws request_error(failure::invalid) for what is no http or https URL, and for one with a user in it.
target parse_target(std::string const& url);
// What a Location means, seen from `base`. Also throws for a step down from https to http.
target follow(target const& base, std::string const& location);

}  // namespace slipway::http_client
