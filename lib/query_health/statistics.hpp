// How the database is: its size, rows that are dead and not yet cleared away, space that its tables waste, the age of
// the oldest transaction (which keeps dead rows from being cleared). Asked rarely, and by one process of all that use
// the database: whoever has a lock there.
#pragma once

#include <slipway/db/database.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace slipway::query_health {

struct table_statistics {
  std::string name;
  std::uint64_t live_rows = 0, dead_rows = 0;      // estimates; dead ones on PostgreSQL alone
  std::uint64_t size_bytes = 0, wasted_bytes = 0;  // wasted: an estimate from the widths of columns, or what is free
};

struct database_statistics {
  std::uint64_t size_bytes = 0;
  std::chrono::seconds oldest_transaction{0};
  std::vector<table_statistics> tables;  // the 20 that waste most; on SQLite one, for the whole file
};

// Empty: another process has the lock. Throws what statements throw, and error where the user may not look.
task<std::optional<database_statistics>> take_statistics(db::database& on);

// Takes them every now and then, on a thread and a connection of its own.
class statistics_sampler final {
 public:
  // `every` zero: never. `report` is told why it failed, once for each kind of failure; must not throw.
  statistics_sampler(db::settings const& s, std::chrono::milliseconds every,
                     std::function<void(std::string const& why)> report);
  statistics_sampler(statistics_sampler const&) = delete;
  statistics_sampler& operator=(statistics_sampler const&) = delete;
  ~statistics_sampler();

  // Empty: never taken, or another process takes them. From any thread.
  std::optional<database_statistics> last() const;

 private:
  void work(std::stop_token const& stop);
  void take();

  db::settings const settings_;
  std::chrono::milliseconds const every_;
  std::function<void(std::string const& why)> report_;
  mutable std::mutex mutex_;
  std::optional<database_statistics> last_;
  std::string last_failure_;
  std::unique_ptr<shards> loop_;
  std::unique_ptr<db::database> database_;
  std::jthread thread_;
};

}  // namespace slipway::query_health
