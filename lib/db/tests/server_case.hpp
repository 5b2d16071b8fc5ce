// What tests begin with that need one kind of server: a database of their own on it.
#pragma once

#include "fixture.hpp"
#include "sql_server.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/db/errors.hpp>

#include <thread>
#include <utility>

namespace slipway::db::tests {

class server_case : public testing::Test {
 protected:
  // Skips the test where there is no such server.
  void begin(sql_server* on, std::string const& why_not, db::dialect engine) {
    if (on == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    settings_.url = on->make_database();
    open();
    run(db_->script(schema(engine)));
  }
  void open() { db_.reset(new database{connect(settings_, shards_)}); }
  template <class T>
  T run(task<T> work) {
    return shards_.run(std::move(work));
  }
  // What the start says, and with which code.
  std::pair<exit_code, std::string> refusal(settings const& s) {
    try {
      database refused{connect(s, shards_)};
    } catch (startup_error const& e) {
      return {e.code(), e.what()};
    }
    return {exit_code::ok, ""};
  }

  settings settings_;
  shards shards_{2};
  std::unique_ptr<database> db_;
};

template <class Server, db::dialect Engine>
class server_case_on : public server_case {
 protected:
  void SetUp() override {
    std::string why_not;
    server_ = Server::shared(why_not);
    begin(server_, why_not, Engine);
  }

  Server* server_ = nullptr;
};
using postgres_case = server_case_on<postgres_server, db::dialect::postgres>;
using mysql_case = server_case_on<mysql_server, db::dialect::mysql>;

// Until it holds, some seconds at most.
template <class F>
bool soon(F holds, std::chrono::seconds most = std::chrono::seconds{10}) {
  auto const end = std::chrono::steady_clock::now() + most;
  while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return holds();
}

inline task<> until_healthy(database& db) {
  for (int i = 0; i < 500; ++i) {
    bool healthy = true;
    try {
      co_await db.ping();
    } catch (unavailable_error const&) {
      healthy = false;
    }
    if (healthy) co_return;
    co_await sleep_for(std::chrono::milliseconds{10});
  }
  ADD_FAILURE() << "not healthy again";
}

}  // namespace slipway::db::tests
