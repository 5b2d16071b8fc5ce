#include "cluster.hpp"

#include <slipway/redis/slots.hpp>

#include <algorithm>
#include <sstream>
#include <thread>

namespace slipway::redis::tests {

cluster::cluster(unsigned masters, unsigned replicas_each, certificates const* secured,
                 std::chrono::milliseconds node_timeout) {
  if (secured != nullptr) cli_ = {"--tls", "--cacert", secured->file("authority.crt")};
  for (unsigned i = 0; i < masters * (1 + replicas_each); ++i) {
    std::vector<std::string> arguments{"--cluster-enabled",
                                       "yes",
                                       "--cluster-node-timeout",
                                       std::to_string(node_timeout.count()),
                                       "--appendonly",
                                       "no",
                                       "--cluster-replica-validity-factor",
                                       "0",
                                       "--repl-diskless-sync-delay",
                                       "0"};
    auto const port = free_port();
    if (secured != nullptr) {
      auto const more = secured->server_arguments(port);
      arguments.insert(arguments.end(), more.begin(), more.end());
      for (auto const* each : {"--tls-cluster", "yes", "--tls-replication", "yes"}) arguments.emplace_back(each);
    }
    all_.push_back(std::make_unique<server>(std::move(arguments), "redis-server", port));
    all_.back()->with_cli(cli_);
  }
  std::string line = "redis-cli";
  for (auto const& each : cli_) line += " '" + each + "'";
  line += " --cluster create";
  for (auto const& each : all_) line += " 127.0.0.1:" + std::to_string(each->port());
  line += " --cluster-replicas " + std::to_string(replicas_each) + " --cluster-yes 2>&1";
  auto* const pipe = ::popen(line.c_str(), "r");
  std::string out;
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) out.append(part, n);
  if (::pclose(pipe) != 0) throw std::runtime_error{"no cluster: " + out};
  auto const replicas = masters * replicas_each;
  if (!wait_until([&] { return is_well() && all_know_of(replicas); }))
    throw std::runtime_error{"the cluster is not well: " + out};
}

std::string cluster::url() const {
  std::string out = is_secured() ? "rediss+cluster://" : "redis+cluster://";
  for (auto const& each : all_) out += "127.0.0.1:" + std::to_string(each->port()) + ",";
  out.pop_back();
  return out;
}

bool cluster::is_well() {
  for (auto const& each : all_) {
    if (!each->is_running()) continue;
    if (!each->cli({"cluster", "info"}).contains("cluster_state:ok")) return false;
    // A replica whose first question its master was too young to answer goes on by an old protocol without offsets.
    // It asks again when it is cut off.
    if (auto const role = each->cli({"role"}); role.starts_with("slave\n") && role.ends_with("connected\n-1")) {
      each->cli({"client", "kill", "type", "master"});
      return false;
    }
  }
  return true;
}

// Whose replica a server is goes from one to the other. A client that asks one which has not heard of it yet does without
// that replica until it looks again, half a minute later.
bool cluster::all_know_of(unsigned replicas) {
  return std::ranges::all_of(all_, [replicas](auto const& each) {
    std::istringstream nodes{each->cli({"cluster", "nodes"})};
    unsigned known = 0;
    for (std::string line; std::getline(nodes, line);)
      if (line.contains("slave ")) ++known;
    return known == replicas;
  });
}

server* cluster::master_of(std::string const& key, server const* not_asked) {
  for (auto const& asked : all_) {
    if (!asked->is_running() || asked.get() == not_asked) continue;
    std::istringstream nodes{asked->cli({"cluster", "nodes"})};
    for (std::string line; std::getline(nodes, line);) {
      if (!line.contains("master") || line.contains("fail")) continue;
      std::istringstream words{line};
      std::string id, address, word;
      words >> id >> address;
      for (int i = 0; i < 6; ++i) words >> word;
      while (words >> word) {
        if (word.starts_with('[')) continue;
        auto const first = static_cast<unsigned>(std::stoul(word));
        auto const last =
            word.contains('-') ? static_cast<unsigned>(std::stoul(word.substr(word.find('-') + 1))) : first;
        if (slot_of(key) < first || slot_of(key) > last) continue;
        auto const port = std::stoi(address.substr(address.find(':') + 1));
        for (auto const& each : all_)
          if (each->port() == port) return each.get();
      }
    }
    return nullptr;
  }
  return nullptr;
}

std::string cluster::manage(std::vector<std::string> words) {
  std::string line = "redis-cli";
  for (auto const& each : cli_) line += " '" + each + "'";
  line += " --cluster";
  for (auto const& each : words) line += " '" + each + "'";
  auto* const pipe = ::popen((line + " 2>&1").c_str(), "r");
  std::string out;
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) out.append(part, n);
  if (::pclose(pipe) != 0) out = "failed: " + out;
  return out;
}

}  // namespace slipway::redis::tests
