// The indexes that tables' traits promise, held against those that a database has. For the .cpp files of this folder.
//
// MySQL and MariaDB have no indexes of a part of the rows. A plain one covers all rows there. A unique one has one
// column more, a generated one that is 1 in the rows it is about and null in all others, which never collide.
#pragma once

#include <slipway/db/table_info.hpp>
#include <slipway/migrations/schema_state.hpp>

#include <string>
#include <string_view>

namespace slipway::migrations {

// Reads them into the tables that are there.
task<> read_indexes(db::session& in, schema_state& into);

// Whether the table has one that does what the rule promises. The columns of a unique one are in the rule's order,
// since that is how a violation is named; a plain one may go on after the rule's columns.
bool is_kept(db::table_info const& table, db::index_rule const& rule, table_state const& there);

// "notes_owner_id_created_at", and "users_email_key" where it is unique; at most 60 characters.
std::string index_name(db::table_info const& table, db::index_rule const& rule);
// "email", "owner_id, created_at".
std::string columns_of(db::table_info const& table, db::index_rule const& rule);
// The same in quotes.
std::string quoted_columns(db::table_info const& table, db::index_rule const& rule);
// "\"deleted_at\" IS NULL"; empty where all rows are meant.
std::string condition_of(db::table_info const& table, db::index_rule const& rule);
// Whether this column comes first in an index of all rows: then a foreign key needs none of its own.
bool leads_an_index(db::table_info const& table, std::uint8_t member);

// MySQL's generated column for a rule with a condition: "deleted_at_is_null".
std::string marker_name(db::table_info const& table, db::index_rule const& rule);
std::string marker_definition(db::table_info const& table, db::index_rule const& rule);

// "SELECT "email", count(*) ... HAVING count(*) > 1": what stands in the way of a unique key, and how often.
std::string duplicates_query(db::table_info const& table, db::index_rule const& rule);
// The same with other columns.
std::string duplicates_query(db::table_info const& table, db::index_rule const& rule, std::string_view columns);

}  // namespace slipway::migrations
