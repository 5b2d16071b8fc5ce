// A master, two replicas and three Sentinels of the tests' own.
#pragma once

#include "server.hpp"

#include <cstdlib>

namespace slipway::redis::tests {

struct sentinels {
  sentinels() {
    for (int i = 0; i < 2; ++i)
      replicas.push_back(std::make_unique<server>(std::vector<std::string>{
          "--replicaof", "127.0.0.1", std::to_string(master.port()), "--repl-diskless-sync-delay", "0"}));
    for (auto const& each : replicas)
      wait_until([&] { return each->cli({"info", "replication"}).contains("master_link_status:up"); });
    for (int i = 0; i < 3; ++i)
      guides.push_back(std::make_unique<server>(
          std::vector<std::string>{"--sentinel", "monitor", "main", "127.0.0.1", std::to_string(master.port()), "2",
                                   "--sentinel", "down-after-milliseconds", "main", "800", "--sentinel",
                                   "failover-timeout", "main", "3000"},
          "redis-sentinel"));
    for (auto const& each : guides)
      wait_until([&] {
        auto const info = each->cli({"info", "sentinel"});
        return info.contains("sentinels=3") && info.contains("slaves=2");
      });
  }
  std::string url(std::string const& name = "main") const {
    std::string out = "redis+sentinel://";
    for (auto const& each : guides) out += "127.0.0.1:" + std::to_string(each->port()) + ",";
    out.pop_back();
    return out + "/" + name;
  }
  int named() { return std::atoi(guides[1]->cli({"sentinel", "get-master-addr-by-name", "main"}).substr(10).c_str()); }

  server master{{"--repl-diskless-sync-delay", "0"}};
  std::vector<std::unique_ptr<server>> replicas, guides;
};

}  // namespace slipway::redis::tests
