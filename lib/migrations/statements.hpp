// A text of SQL taken apart into statements, without a database: what is quoted, commented, dollar-quoted or the body
// of a trigger does not end a statement.
#pragma once

#include <slipway/db/driver.hpp>

#include <string_view>
#include <vector>

namespace slipway::migrations {

struct statement {
  std::string_view text;  // without the semicolon, and without comments and white space around it
  unsigned line = 0;      // of its first character, from 1
};

// The views are into `sql`. `first_line` is the number of the text's first line. Quotes and comments that do not end
// go to the end of the text, as one last statement for the database to refuse. PostgreSQL: '..', E'..', "..",
// $tag$..$tag$, nested /* */, BEGIN ATOMIC .. END. SQLite: '..', "..", `..`, [..], /* */, CREATE TRIGGER .. BEGIN .. END. MySQL (in our
// sessions, where a backslash is a character): '..', "..", `..`, /* */, #, BEGIN .. END of triggers, events and routines.
std::vector<statement> split(std::string_view sql, db::dialect dialect, unsigned first_line = 1);

// Whether the statement begins, ends or abandons a transaction by hand.
bool controls_transaction(std::string_view sql) noexcept;

}  // namespace slipway::migrations
