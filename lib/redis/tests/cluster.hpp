// A real cluster of the tests' own.
#pragma once

#include "server.hpp"

namespace slipway::redis::tests {

class cluster {
 public:
  cluster(unsigned masters, unsigned replicas_each);
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

  std::vector<std::unique_ptr<server>> all_;
};

}  // namespace slipway::redis::tests
