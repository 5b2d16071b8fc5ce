// Writers that know what they wrote, and the comparison of all nodes with it.
#pragma once

#include "cases.hpp"

#include <atomic>
#include <latch>
#include <mutex>
#include <set>

namespace slipway::sharding::tests {

// What one writer knows of one customer: it alone changes it.
struct known {
  id_of<customer> id;
  std::int64_t balance = 0;
  std::set<std::int64_t> numbers;  // of entries that are there
};

class checker {
 public:
  // One acknowledged transaction: the balance is one more, an entry is added, and one is removed where `removes`.
  task<> change(cluster& with, known& k, bool removes);
  // Reads what is known, outside of a transaction.
  task<> look(cluster& with, known const& k);
  // Changes and looks by chance until `stop`.
  task<> work(cluster& with, std::vector<known>& mine, unsigned seed, std::latch& end);
  void stop() noexcept { stop_ = true; }

  // When the writers have ended and old copies are removed: every sentence that was noted meanwhile, and one for each
  // row that is lost, doubled, old, or in another slot than that of its key.
  task<std::vector<std::string>> compare(cluster& all, std::vector<known> const& with);

  std::int64_t changes() const noexcept { return changes_; }
  std::int64_t looks() const noexcept { return looks_; }

 private:
  void complain(std::string what);
  task<> compare_one(cluster& all, known const& k);

  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> changes_{0}, looks_{0};
  std::mutex mutex_;
  std::vector<std::string> complaints_;
};

}  // namespace slipway::sharding::tests
