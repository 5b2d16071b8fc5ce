// Says what in a migration is unsafe on a table that a running service uses: what holds a lock while it reads or
// writes the whole table, what fails on rows that are there, what takes away what the program of before still reads.
//
//   slipway migrate lint
//
// What a migration does to a table that it creates itself is safe. A finding that is meant to be so is allowed by a
// line above the statement, with its reason:
//
//   -- lint: allow drop-column: nothing has read users.nickname since 2.3
#pragma once

#include <slipway/migrations/catalog.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

struct finding {
  std::string file;
  unsigned line = 0;
  std::string rule;     // "index-locks-writes"
  std::string why;      // what happens to the service
  std::string instead;  // the safe way, with the names of this statement
};

// All findings of one migration's `up`, in the order of its lines.
std::vector<finding> lint(migration const& m, db::dialect dialect);

// Whether a line above the statement that reaches to this line allows the rule.
bool is_allowed(migration const& m, db::dialect dialect, unsigned line, std::string_view rule);

struct lint_rule {
  std::string_view name;
  std::string_view what;
};
// Every rule there is, for the documentation.
std::vector<lint_rule> lint_rules();

}  // namespace slipway::migrations
