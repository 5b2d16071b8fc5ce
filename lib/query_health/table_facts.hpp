// What a table is like: how large, which columns, which indexes.
#pragma once

#include <slipway/db/database.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::query_health {

struct table_facts {
  std::uint64_t rows = 0;  // as the server estimates it; on SQLite counted, and not beyond the limit
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> indexes;  // whole ones, each with its columns in order; the primary key too
};

// Of a table that is not there: no columns. `count_to`: SQLite counts no further.
task<table_facts> facts_of(db::session& in, std::string table, std::uint64_t count_to);

}  // namespace slipway::query_health
