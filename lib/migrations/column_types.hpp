// Which column a model's member wants, in each engine's words, and whether a column that is there can hold it.
// docs/data.md has the table. Types are judged by what can be stored in them: varchar is as good as text, bigint as
// good as integer, and a length that the schema sets is the schema's business.
#pragma once

#include <slipway/db/table_info.hpp>
#include <slipway/db/value.hpp>

#include <slipway/db/driver.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::migrations {

enum class family : std::uint8_t { boolean, integer, real, text, uuid, time, date, decimal, bytes, json, array, other };

struct column_type {
  migrations::family family = family::other;
  unsigned bits = 0;                           // of integers and reals, their sign included where they have one
  bool is_unsigned = false;                    // integers: no negative ones; MySQL: of any number
  unsigned scale = 0;                          // of decimals; of times, the digits of their fractions
  std::uint64_t size = 0;                      // of texts, in characters, and of bytes; 0: nobody limits it
  migrations::family element = family::other;  // of arrays
  friend bool operator==(column_type const&, column_type const&) = default;
};

// What the member wants.
column_type wanted_type(db::table_info const& table, std::uint8_t member);
bool is_optional(db::table_info const& table, std::uint8_t member) noexcept;
// Whether the member is the key, or in an index that the traits promise.
bool is_in_a_key(db::table_info const& table, std::uint8_t member) noexcept;
// What an engine calls a type, as its catalog writes it: "character varying(200)", "int(11) unsigned", "BLOB".
column_type read_type(std::string_view native, db::dialect d);

// Which of SQLite's own types holds it.
family stored_on_sqlite(family f) noexcept;

// In the engine's words. A key of text has to have a length on MySQL.
std::string sql_type(column_type const& t, db::dialect d, bool is_key = false);

// Whether every value of the wanted type can be stored in the column and read back.
bool can_hold(std::string_view native, column_type const& wanted, db::dialect d);
// Whether every value that the column may have now fits the wanted type.
bool widens(std::string_view native, column_type const& wanted, db::dialect d);

// A value as a literal of a column's DEFAULT.
std::string literal(db::value const& v, column_type const& t, db::dialect d);
// Zero, the empty text and so on: for a column that no model knows any more.
std::string empty_literal(column_type const& t, db::dialect d);

std::string in_quotes(std::string_view name);  // "name", and "schema"."name" for schema.name

}  // namespace slipway::migrations
