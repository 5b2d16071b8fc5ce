// A real cluster of the tests' own.
#pragma once

#include "certificates.hpp"
#include "server.hpp"

#include <chrono>

namespace slipway::redis::tests {

class cluster {
 public:
  // With certificates, all of it speaks TLS alone. A node that is silent for `node_timeout` is taken for dead: long, where
  // a test loses none, so that a busy machine does not lose one by itself.
  cluster(unsigned masters, unsigned replicas_each, certificates const* secured = nullptr,
          std::chrono::milliseconds node_timeout = std::chrono::seconds{5});
  std::string url() const;
  server& operator[](std::size_t i) { return *all_[i]; }
  std::size_t size() const noexcept { return all_.size(); }
  // The server that is the master of this key now, as the others see it; null: none.
  server* master_of(std::string const& key, server const* not_asked = nullptr);
  // redis-cli --cluster <words>, at the first server that runs.
  std::string manage(std::vector<std::string> words);
  bool is_well();

 private:
  bool all_know_of(unsigned replicas);
  bool is_secured() const noexcept { return !cli_.empty(); }

  std::vector<std::unique_ptr<server>> all_;
  std::vector<std::string> cli_;  // what redis-cli needs to get in
};

}  // namespace slipway::redis::tests
