// What the tests of PostgreSQL alone begin with.
#pragma once

#include "fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/db/errors.hpp>

namespace slipway::db::tests {

class postgres_case : public testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    server_ = postgres_server::shared(why_not);
    if (server_ == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    settings_.url = server_->make_database();
    open();
    run(db_->script(schema(db::dialect::postgres)));
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

  postgres_server* server_ = nullptr;
  settings settings_;
  shards shards_{2};
  std::unique_ptr<database> db_;
};

}  // namespace slipway::db::tests
