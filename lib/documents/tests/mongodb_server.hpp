// A server that speaks MongoDB's protocol: the one that SLIPWAY_TEST_MONGODB names
// (mongodb://user:password@host:27017/), or a FerretDB of our own where the machine has its program (SLIPWAY_TEST_FERRETDB
// names it; scripts/ferretdb.sh builds it).
#pragma once

#include "../../core/tests/server_process.hpp"

#include <memory>
#include <string>

namespace slipway::documents::tests {

class mongodb_server {
 public:
  // One that the test binary shares; null with the reason when there is none.
  static mongodb_server* shared(std::string& why_not);
  // One of the test's own, always a FerretDB.
  static std::unique_ptr<mongodb_server> own(std::string& why_not);

  // A database that nobody has used: its URL.
  std::string make_database();
  int port() const noexcept { return port_; }
  void kill() { process_->kill(); }  // as a power failure does
  void start();                      // and waits until it answers

 private:
  mongodb_server() = default;
  bool initialise(std::string& why_not);

  std::string base_, options_, program_;
  std::unique_ptr<slipway::tests::server_process> process_;  // null: a server that was there
  int port_ = 0;
  unsigned databases_ = 0;
};

}  // namespace slipway::documents::tests
