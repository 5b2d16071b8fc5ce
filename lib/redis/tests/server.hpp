// Redis servers of the tests' own: on loopback, free ports and a folder that goes with them.
#pragma once

#include "../../core/tests/server_process.hpp"

#include <slipway/core/task.hpp>
#include <slipway/redis/client.hpp>
#include <slipway/runtime/shards.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::redis::tests {

using slipway::tests::free_port;

struct folder : slipway::tests::temporary_folder {
  folder() : temporary_folder{"redis"} {}
};

bool is_installed(char const* program);

// Starts with these further arguments ("--requirepass", "x"). Throws when it does not answer.
class server {
 public:
  explicit server(std::vector<std::string> more = {}, std::string program = "redis-server", int port = 0);
  server(server const&) = delete;
  server& operator=(server const&) = delete;

  int port() const noexcept { return port_; }
  std::string const& files() const noexcept { return process_.directory(); }
  std::string url(std::string const& rest = "/0") const { return "redis://127.0.0.1:" + std::to_string(port_) + rest; }
  // What redis-cli prints.
  std::string cli(std::vector<std::string> words) const;
  void kill() { process_.kill(); }  // at once, as a crash does
  void start();
  void stop() { process_.freeze(true); }  // it holds its connections and says nothing
  void resume() { process_.freeze(false); }
  bool is_running() const noexcept { return process_.is_running(); }
  std::string log() const { return process_.log(); }
  void with_cli(std::vector<std::string> words) { cli_ = std::move(words); }

 private:
  slipway::tests::server_process process_;
  std::string program_;
  std::vector<std::string> more_, cli_;
  int port_;
};

// The first true value within the time, or a failure of the test.
bool wait_until(std::function<bool()> const& holds, std::chrono::seconds most = std::chrono::seconds{30});

// Shards, and a client on them. `run` runs a task on the first shard.
class fixture : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed("redis-server"))
      GTEST_SKIP() << "SKIPPED LOUDLY: no Redis: install the packages redis-server, redis-tools and redis-sentinel";
  }
  settings with(std::string url) const {
    settings s;
    s.url = std::move(url);
    s.prefix = "t:";
    return s;
  }
  template <class F>
  auto run(F work) {
    return on.run(work());
  }

  shards on{2};
};

// What the exception of a task is, by name and code: "error WRONGTYPE", "refused LOADING", "lost, may have been done",
// "lost, not sent", "unavailable", "cancelled", "nothing".
task<std::string> outcome(task<> work);
template <class T>
task<std::string> outcome_of(task<T> work) {
  return outcome([](task<T> inner) -> task<> { (void)co_await std::move(inner); }(std::move(work)));
}
// Of connect: "config: ...", "unavailable: ...", "it connected".
std::string outcome_of_connecting(settings const& s, shards& on);

}  // namespace slipway::redis::tests
