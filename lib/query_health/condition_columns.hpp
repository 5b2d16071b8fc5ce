// Which columns a condition compares, found in its text: of a plan, or of the statement itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::query_health {

struct compared_columns {
  std::vector<std::string> equal;    // = and IN
  std::vector<std::string> range;    // <, <=, >, >=, BETWEEN
  std::vector<std::string> is_null;  // of most soft deletes, where it keeps nearly every row
  bool has_or = false;               // alternatives: one index is not enough
};

// `columns` are those of the table; `names` what it is called in the text, beside no name at all. Only what stands
// alone on its side counts: lower(email) = $1 needs another kind of index.
compared_columns columns_of(std::string_view condition, std::vector<std::string> const& columns,
                            std::vector<std::string> const& names);

// The text between WHERE and what follows it; empty when there is none, or more than one.
std::string_view where_of(std::string_view sql) noexcept;
// What the table behind this name of a statement is called really: `n` of "from notes as n" is notes.
std::string table_behind(std::string_view sql, std::string_view name);

}  // namespace slipway::query_health
