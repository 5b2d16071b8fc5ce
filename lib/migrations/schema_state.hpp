// The tables that a database has, as its catalog tells: SQLite's pragmas, PostgreSQL's pg_catalog, MySQL's
// information_schema. Partitions, views and what belongs to an extension are left out.
#pragma once

#include <slipway/db/database.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

struct column_state {
  std::string name;
  std::string type;  // in the engine's words: "character varying(200)"
  bool nullable = false;
  bool generated = false;  // the database computes it
  bool has_default = false;
};

struct index_part {
  std::string column{};  // empty: an expression
  bool whole = true;     // MySQL can take the beginning of a text
};

struct index_state {
  std::string name{};
  bool unique = false;
  bool valid = true;  // PostgreSQL: not left behind by CREATE INDEX CONCURRENTLY that failed
  std::vector<index_part> parts{};
  std::string condition{};  // of an index of a part of the rows, without spaces, quotes and parentheses
};

struct table_state {
  std::string name;  // on PostgreSQL with its schema where that is not the current one
  std::vector<column_state> columns{};
  std::vector<std::string> key{};  // the columns of the primary key
  bool is_current = true;          // it is in the schema where unqualified names are looked for
  std::string made_by{};           // SQLite, MySQL: its CREATE TABLE
  std::vector<index_state> indexes{};
  std::vector<std::string> belongings{};  // SQLite: the statements of its indexes and triggers

  column_state const* find(std::string_view column) const noexcept;
};

struct schema_state {
  db::dialect dialect = db::dialect::sqlite;
  std::vector<table_state> tables{};
  bool has_views = false;  // SQLite looks into them when a table gets another name

  table_state const* find(std::string_view table) const noexcept;
};

// Throws startup_error that says what the user of the database lacks.
task<schema_state> read_schema(db::session& in);

}  // namespace slipway::migrations
