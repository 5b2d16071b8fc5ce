// Finds the statement that one operation runs again and again: N+1 queries, and rows that are written one by one. An
// import in many batches is neither, nor is a walk through pages.
// For development and tests; in production nobody counts.
//
//   db::repetition_watch repeated{5, [&](db::repetition const& r) { log.warn(...); }, &metrics};
//   settings.watch = &repeated;
#pragma once

#include <slipway/db/settings.hpp>

#include <functional>
#include <mutex>
#include <source_location>
#include <string>
#include <vector>

namespace slipway::db {

// One statement that one operation ran more often than is allowed, from one line.
struct repetition {
  std::string sql;
  std::source_location at;
  unsigned count;  // so far

  std::string place() const;  // "repositories/notes.cpp:31"
};

class repetition_watch final : public observer {
 public:
  // `report` is called on the shard that asked, once for each place and statement; it must not throw. `next` is told
  // of every statement as well. Both must outlive this.
  repetition_watch(unsigned limit, std::function<void(repetition const&)> report, observer* next = nullptr);
  void on_query(query_event const& event) noexcept override;

  // All places so far: a test expects none.
  std::vector<repetition> found() const;

 private:
  void tell(query_event const& event, unsigned count);

  unsigned const limit_;
  std::function<void(repetition const&)> report_;
  observer* next_;
  mutable std::mutex mutex_;
  std::vector<repetition> found_;
};

}  // namespace slipway::db
