// The index that a statement misses.
#pragma once

#include <slipway/query_health/explain.hpp>
#include <slipway/query_health/table_facts.hpp>

#include <optional>
#include <string>
#include <vector>

namespace slipway::query_health {

struct advice {
  std::string table;
  std::vector<std::string> columns;  // in the order of the index
  std::uint64_t rows = 0;            // of the table
  std::string sql;                   // makes the index without stopping who uses the table, as the engine can
  std::string text() const;          // one sentence
};

// Nothing for a table with fewer rows, a condition over alternatives or functions alone, one that keeps a fifth of the
// table or more, and where an index is there already that the engine does not want.
std::optional<advice> advise(db::dialect on, full_scan const& scan, table_facts const& facts, std::uint64_t many_rows);

// For all scans of a plan.
task<std::vector<advice>> advise(db::database& on, plan const& of, std::uint64_t many_rows);

}  // namespace slipway::query_health
