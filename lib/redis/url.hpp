// What a URL of Redis says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::redis {

// Where a server listens: host and port, or the path of a socket.
struct endpoint {
  std::string host;
  std::uint16_t port = 6379;
  std::string path;

  bool operator==(endpoint const&) const = default;
  std::string text() const;  // "127.0.0.1:6379", "[::1]:6379", "/run/redis.sock"
};

enum class mode : std::uint8_t { single, sentinel, cluster };

struct target {
  redis::mode mode = mode::single;
  bool tls = false;
  std::vector<endpoint> servers;  // more than one: of a cluster, or Sentinels
  std::string user, password;
  std::string master;  // the name that the Sentinels know
  unsigned database = 0;
};

// Throws startup_error(config) that says what is wrong and never shows the password.
target parse_url(std::string_view url);

}  // namespace slipway::redis
