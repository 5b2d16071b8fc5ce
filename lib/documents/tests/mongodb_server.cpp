#include "mongodb_server.hpp"

#include <unistd.h>

#include <cstdlib>

namespace slipway::documents::tests {

mongodb_server* mongodb_server::shared(std::string& why_not) {
  static std::string reason;
  static std::unique_ptr<mongodb_server> const server = [] {
    std::unique_ptr<mongodb_server> made{new mongodb_server};
    auto const* url = std::getenv("SLIPWAY_TEST_MONGODB");
    if (url == nullptr) return made->initialise(reason) ? std::move(made) : nullptr;
    std::string const whole{url};
    auto const slash = whole.find('/', whole.find("://") + 3);
    made->base_ = whole.substr(0, slash) + "/";
    if (auto const question = whole.find('?'); question != std::string::npos) made->options_ = whole.substr(question);
    return made;
  }();
  why_not = reason;
  return server.get();
}

std::unique_ptr<mongodb_server> mongodb_server::own(std::string& why_not) {
  std::unique_ptr<mongodb_server> made{new mongodb_server};
  return made->initialise(why_not) ? std::move(made) : nullptr;
}

bool mongodb_server::initialise(std::string& why_not) {
  auto const* named = std::getenv("SLIPWAY_TEST_FERRETDB");
  program_ = named != nullptr ? named : slipway::tests::find_program("ferretdb");
  if (program_.empty()) {
    why_not =
        "no MongoDB: set SLIPWAY_TEST_MONGODB=mongodb://host:27017/, or SLIPWAY_TEST_FERRETDB to the program that "
        "scripts/ferretdb.sh builds";
    return false;
  }
  process_ = std::make_unique<slipway::tests::server_process>("FerretDB");
  port_ = slipway::tests::free_port();
  base_ = "mongodb://127.0.0.1:" + std::to_string(port_) + "/";
  start();
  return true;
}

void mongodb_server::start() {
  auto const& directory = process_->directory();
  process_->start({program_, "--handler=sqlite", "--sqlite-url=file:" + directory + "/",
                   "--listen-addr=127.0.0.1:" + std::to_string(port_), "--debug-addr=-", "--telemetry=disable",
                   "--log-level=error", "--state-dir=" + directory},
                  [this] { return slipway::tests::accepts_at(port_); });
}

std::string mongodb_server::make_database() {
  return base_ + "slipway_test_" + std::to_string(::getpid()) + "_" + std::to_string(++databases_) + options_;
}

}  // namespace slipway::documents::tests
