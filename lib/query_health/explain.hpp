// The plan of a statement: asked for without running it, and without its parameters. PostgreSQL is asked for the
// generic plan, in a read-only transaction; MySQL and MariaDB plan for made-up values.
#pragma once

#include <slipway/db/database.hpp>

#include <chrono>
#include <span>
#include <string>
#include <vector>

namespace slipway::query_health {

// A table that the plan reads from end to end to find some of its rows.
struct full_scan {
  std::string table;
  std::string called;                // what it is called in the statement
  std::string condition;             // what its rows are held against, in the engine's words
  double kept = -1;                  // the part of the rows that the engine expects to keep; negative: it does not tell
  std::vector<std::string> columns;  // what the engine itself would like to have an index over; empty: it does not tell
};

struct plan {
  std::string text;  // a line for each step, indented
  std::vector<full_scan> scans;
};

// Whether there is a plan for such a statement at all: for select, insert, update, delete, with, values.
bool has_plan(std::string_view sql) noexcept;

// `signature`: the kinds of its parameters. Throws what statements throw; nothing takes longer than `limit`, which
// PostgreSQL keeps and others are held to by the connection's own.
task<plan> explain(db::database& on, std::string sql, std::vector<db::value_kind> signature,
                   std::chrono::milliseconds limit);

// How many parameters the text has: the largest n of its $n.
std::size_t parameters_of(std::string_view sql) noexcept;

}  // namespace slipway::query_health
