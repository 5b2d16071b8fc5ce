// Tells of statements that took long: what was asked, from which line, its plan and the index that it misses. An
// observer of a database, so that it sees every statement; one that is fast costs a comparison.
//
//   query_health::slow_log slow{{settings.queries, settings.database, [&](auto const& s) { log.warn(...); }}};
//   settings.database.watch = &slow;
//
// What is slow goes to a thread of its own, where everything else happens: plans are asked for on a connection that no
// request uses, opened when the first one is needed, each statement again only after `explain_again`. All is bounded:
// what comes too fast is counted and left out. Parameters are not seen by anybody here.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/query_health/advice.hpp>
#include <slipway/query_health/settings.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace slipway::query_health {

struct slow_statement {
  std::string sql;    // with its placeholders
  std::string place;  // "repositories/notes.cpp:31"
  std::string correlation_id;
  time_point at;
  std::chrono::microseconds took{0};
  std::size_t rows = 0;
  std::string error;    // it failed, after all that time
  std::string plan;     // empty: it was asked for before
  std::string no_plan;  // why there is none
  std::vector<advice> advised;
  std::uint64_t left_out = 0;  // slow ones before it that were not told
};

class slow_log final : public db::observer {
 public:
  struct parts {
    settings limits;
    db::settings database;  // whose statements these are
    // On a thread of this object; must not throw.
    std::function<void(slow_statement const&)> tell;
    db::observer* next = nullptr;  // is told of every statement as well
    clock_source const* clock = nullptr;
    random_source* random = nullptr;
  };
  explicit slow_log(parts p);
  slow_log(slow_log const&) = delete;
  slow_log& operator=(slow_log const&) = delete;
  // What waits is not told any more.
  ~slow_log() override;

  void on_query(db::query_event const& event) noexcept override {
    if (parts_.next != nullptr) parts_.next->on_query(event);
    if (event.duration >= threshold_) [[unlikely]]
      note(event);
  }

  // The last hundred, newest first. From any thread.
  std::vector<slow_statement> recent() const;
  std::uint64_t count() const;  // of all slow ones, also those that were left out

 private:
  struct pending {
    slow_statement what;
    std::vector<db::value_kind> signature;
  };

  void note(db::query_event const& event) noexcept;
  bool may_tell(std::chrono::steady_clock::time_point now);
  void work(std::stop_token const& stop);
  void explain(pending& one);
  bool was_explained(std::string const& sql);

  parts const parts_;
  std::chrono::steady_clock::duration const threshold_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<pending> waiting_;
  std::deque<slow_statement> recent_;
  std::uint64_t count_ = 0, left_out_ = 0;
  double tokens_;
  std::chrono::steady_clock::time_point filled_at_;

  // On the thread alone.
  std::unique_ptr<shards> loop_;
  std::unique_ptr<db::database> database_;
  std::map<std::string, std::chrono::steady_clock::time_point> explained_;
  std::jthread thread_;
};

}  // namespace slipway::query_health
