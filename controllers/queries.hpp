// What the service says of its statements, to operators alone.
#pragma once

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/core/task.hpp>
#include <slipway/query_health/slow_log.hpp>

#include <string>
#include <vector>

namespace app {

using namespace slipway;

struct index_advice_view {
  std::string table;
  std::vector<std::string> columns;
  std::uint64_t rows = 0;
  std::string create;
};
BOOST_DESCRIBE_STRUCT(index_advice_view, (), (table, columns, rows, create))

struct slow_statement_view {
  time_point at;
  std::string sql;
  std::string place;
  std::string correlation_id;
  double took_ms = 0;
  std::uint64_t rows = 0;
  std::string error;
  std::string plan;
  std::string no_plan;
  std::vector<index_advice_view> advice;
};
BOOST_DESCRIBE_STRUCT(slow_statement_view, (),
                      (at, sql, place, correlation_id, took_ms, rows, error, plan, no_plan, advice))

struct slow_statements_view {
  std::uint64_t count = 0;
  std::vector<slow_statement_view> statements;
};
BOOST_DESCRIBE_STRUCT(slow_statements_view, (), (count, statements))

namespace controllers {

class queries {
 public:
  explicit queries(query_health::slow_log const& slow) : slow_{slow} {}
  task<result<slow_statements_view>> slow();

 private:
  query_health::slow_log const& slow_;
};

}  // namespace controllers
}  // namespace app
