// What the parts of this program share.
#pragma once

#include <drogon/drogon.h>

#include <coroutine>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

inline int number(int most = 10'000) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution{1, most}(random);
}

inline int count(drogon::HttpRequestPtr const& request) {
  return std::clamp(std::atoi(request->getParameter("n").c_str()), 1, 500);
}

inline std::string const entry_text = "An entry of some length, as people write them";

// Drogon commits when the last reference goes; its answer should not leave before.
struct committed : drogon::CallbackAwaiter<void> {
  explicit committed(std::shared_ptr<drogon::orm::Transaction>&& t) : transaction{std::move(t)} {}
  void await_suspend(std::coroutine_handle<> waiting) {
    transaction->setCommitCallback([this, waiting](bool done) {
      if (!done) setException(std::make_exception_ptr(std::runtime_error{"the commit failed"}));
      waiting.resume();
    });
    transaction.reset();
  }
  std::shared_ptr<drogon::orm::Transaction> transaction;
};

void add_data_routes(drogon::HttpAppFramework& app);
void add_orm_routes(drogon::HttpAppFramework& app);
