// Certificates made on the spot: an authority, a server for 127.0.0.1 and localhost, a client, and a stranger.
#pragma once

#include <string>
#include <vector>

namespace slipway::redis::tests {

class certificates {
 public:
  explicit certificates(std::string folder);
  std::string file(std::string const& name) const { return folder_ + "/" + name; }
  // For redis-server; `ask` whether clients must show a certificate.
  std::vector<std::string> server_arguments(int port, bool ask = false, std::string const& name = "server") const;

 private:
  std::string folder_;
};

}  // namespace slipway::redis::tests
