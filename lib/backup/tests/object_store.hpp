// A real object store for tests, when npm has installed it: tests/e2e/object_store.mjs.
#pragma once

#include "../../core/tests/server_process.hpp"

#include <slipway/backup/settings.hpp>

#include <csignal>
#include <filesystem>
#include <string>

namespace slipway::backup::tests {

// Empty when it is not installed.
inline std::string node_of_object_store() {
  std::filesystem::path const modules{SLIPWAY_SOURCE_DIR "/tests/e2e/node_modules"};
  if (!std::filesystem::exists(modules / "@20minutes/s3rver/package.json")) return {};
  for (auto const* machine : {"linux-x64", "linux-arm64"})
    if (auto const node = modules / ("node-" + std::string{machine}) / "bin/node"; std::filesystem::exists(node))
      return node;
  return slipway::tests::find_program("node");
}

class object_store {
 public:
  object_store() { start(); }
  void start() {
    // Its tokens of continuation need a cipher that OpenSSL 3 counts as old.
    process_.start(
        {node_of_object_store(), "--openssl-legacy-provider", SLIPWAY_SOURCE_DIR "/tests/e2e/object_store.mjs",
         process_.directory() + "/data", std::to_string(port_)},
        [this] { return slipway::tests::accepts_at(port_); }, SIGKILL);
  }
  void kill() { process_.kill(); }

  settings settings_for(std::string const& prefix) const {
    settings out;
    out.storage = "s3://backups/" + prefix;
    out.s3.endpoint = "http://127.0.0.1:" + std::to_string(port_);
    out.s3.access_key = "S3RVER";
    out.s3.secret_key = secret<std::string>{"S3RVER"};
    out.s3.path_style = out.s3.private_network = true;
    out.s3.part_size = 5 << 20;
    return out;
  }

 private:
  slipway::tests::server_process process_{"object-store"};
  int port_ = slipway::tests::free_port();
};

}  // namespace slipway::backup::tests
