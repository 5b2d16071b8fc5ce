// What the server itself has counted of its statements, of all who use the database: pg_stat_statements on
// PostgreSQL, the performance schema on MySQL and MariaDB.
#pragma once

#include <slipway/db/database.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace slipway::query_health {

struct statement_cost {
  std::string sql;  // with its values taken out
  std::uint64_t calls = 0, rows = 0;
  std::chrono::microseconds total{0}, mean{0};
  double share = 0;  // of the time of all
};

// The server counts nothing; what() says what to do about it.
class not_counted_error : public db::error {
 public:
  using error::error;
};

// Those that took the most time together, at most so many. Throws not_counted_error.
task<std::vector<statement_cost>> most_expensive(db::database& on, unsigned most);

}  // namespace slipway::query_health
