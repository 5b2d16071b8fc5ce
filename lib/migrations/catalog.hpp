// Migration files and what is in them, without a database.
//
//   migrations/0003_notes.sql             for every dialect, or one for each:
//   migrations/0003_notes.sqlite.sql      replaces 0003_notes.sql on SQLite
//   migrations/0003_notes.postgres.sql    replaces it on PostgreSQL
//   migrations/0003_notes.mysql.sql       replaces it on MySQL and MariaDB
//
//   -- no transaction                     (only where the engine demands it, e.g. CREATE INDEX CONCURRENTLY)
//   -- after deployment                   (a program that needs it not yet may start without it: what drops a column
//                                          runs once the last program that reads the column is gone)
//   -- foreign keys off                  (SQLite: for a table that is made anew; all are checked before the commit)
//   -- up
//   CREATE TABLE notes (...);
//   -- down
//   DROP TABLE notes;
//
// Without a `-- down` line a migration cannot be taken back.
//
//   migrations/repeatable_totals.sql      views, functions, grants: run again, as a whole and after all numbered
//                                         ones, whenever the file has changed (.sqlite.sql and so on as above)
#pragma once

#include <slipway/core/embedded.hpp>
#include <slipway/db/driver.hpp>
#include <slipway/migrations/statements.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

struct file {
  std::string name;  // "0003_notes.sqlite.sql"
  std::string text;
};

// The *.sql files of a directory. Throws startup_error naming what cannot be read.
std::vector<file> files_in(std::filesystem::path const& directory);
// Those that slipway_embed linked into the binary.
std::vector<file> files_of(std::span<embedded_file const> embedded);

struct migration {
  std::int64_t version = 0;
  std::string name;  // "notes"
  std::string file;  // where it came from, for messages
  std::string up;    // the section's text
  std::optional<std::string> down;
  unsigned up_line = 1, down_line = 1;  // where the sections begin
  bool in_transaction = true;
  bool after_deployment = false;
  bool foreign_keys_off = false;
  // SHA-256 of `up` and `-- no transaction`, in hexadecimal; blind to line endings and white space at their ends.
  std::string checksum;
};

// The migrations for a dialect, in order. Throws startup_error(exit_code::data) that names the file and the line: a
// name that is no migration's, two files for one version, a version left out, no `-- up`, SQL before it, an
// option after it, a section without statements, transaction control by hand.
std::vector<migration> catalog_of(std::vector<file> const& files, db::dialect dialect);

// ".sqlite", ".postgres", ".mysql"
std::string_view suffix_of(db::dialect d) noexcept;

// Those of the files that are for a dialect, by name: x.sqlite.sql is for SQLite alone, and replaces x.sql there.
std::vector<file> files_for(std::vector<file> files, db::dialect dialect);

// The dialects that have files of their own; all, when none has.
std::vector<db::dialect> dialects_of(std::vector<file> const& files);

struct repeatable {
  std::string name;  // "totals"
  std::string file;
  std::string text;
  std::string checksum;
};

// The repeatable files for a dialect, by name. Throws like `catalog_of`. One that has no file for this dialect is not
// for it.
std::vector<repeatable> repeatables_of(std::vector<file> const& files, db::dialect dialect);

// SHA-256 in hexadecimal of a text, blind to line endings, to white space at the ends of lines and to empty lines at
// the end: what editors and version control change on their own.
std::string checksum_of(std::string_view text);

}  // namespace slipway::migrations
