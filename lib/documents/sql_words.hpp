// The words about documents in which SQL engines differ: text in SQLite, jsonb in PostgreSQL, json in MySQL and MariaDB.
// In all of them {0} is an expression that gives a document and {1} a place in it (`place_text`), unless it says
// otherwise. For the .cpp files of this folder.
#pragma once

#include <slipway/db/dialect.hpp>

namespace slipway::documents::detail {

// Into what a place's value is turned before it is compared.
enum class sql_class : std::uint8_t { integer, number, boolean, text, other };

}  // namespace slipway::documents::detail

namespace slipway::documents::detail::words {

using db::by_engine, db::sql_word;
using db::words::for_update, db::words::starts_with;
using names = by_engine<std::string_view>;

inline constexpr names body_type{"text", "jsonb", "json"};
inline constexpr names text_type{"text", "text", "varchar(254)"};
inline constexpr names uuid_key{"blob", "uuid", "binary(16)"};
inline constexpr names text_key{"text", "text collate \"C\"", "varchar(254)"};

// What SQLite's functions print of a floating-point number has 15 digits, so whole pieces are passed on as they were
// written, by way of `->`. As JSON; null when it is not there.
inline constexpr sql_word<2> fragment{"json({0} -> {1})", "({0} #> {1})", "json_extract({0}, {1})"};
inline constexpr sql_word<2> is_there{"(json_extract({0}, {1}) is not null)", "(({0} #>> {1}) is not null)",
                                      "coalesce(json_type(json_extract({0}, {1})) <> 'NULL', false)"};

// What stands there, as it is compared. Of another type than the program's, it counts as missing instead of failing the
// whole statement.
inline constexpr sql_word<2> integer_part{
    "json_extract({0}, {1})", "(case when jsonb_typeof({0} #> {1}) = 'number' then ({0} #>> {1})::numeric end)",
    "(case when json_type(json_extract({0}, {1})) in ('INTEGER', 'UNSIGNED INTEGER') then "
    "cast(json_unquote(json_extract({0}, {1})) as signed) end)"};
inline constexpr sql_word<2> number_part{
    "json_extract({0}, {1})",
    "(case when jsonb_typeof({0} #> {1}) = 'number' then ({0} #>> {1})::double precision end)",
    "(case when json_type(json_extract({0}, {1})) in ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') then "
    "json_extract({0}, {1}) + 0e0 end)"};
inline constexpr sql_word<2> boolean_part{
    "json_extract({0}, {1})", "(case when jsonb_typeof({0} #> {1}) = 'boolean' then ({0} #>> {1})::boolean end)",
    "(case when json_type(json_extract({0}, {1})) in ('BOOLEAN') then json_unquote(json_extract({0}, {1})) collate "
    "utf8mb4_bin = 'true' end)"};
// What MySQL's JSON functions give has another collation than texts of the connection.
inline constexpr sql_word<2> text_part{
    "json_extract({0}, {1})", "(case when jsonb_typeof({0} #> {1}) = 'string' then ({0} #>> {1}) collate \"C\" end)",
    "(case when json_type(json_extract({0}, {1})) in ('STRING') then cast(json_unquote(json_extract({0}, {1})) as "
    "char) end)"};
inline constexpr sql_word<2> other_part{"json_extract({0}, {1})", "({0} #> {1})", "json_extract({0}, {1})"};

// {0} is {1}; null is equal to null.
inline constexpr sql_word<2> same{"{0} is {1}", "{0} is not distinct from {1}", "({0} <=> {1})"};
// The list there has the element {2}, which is a parameter with its value or with its JSON.
inline constexpr sql_word<3> contains{"exists (select 1 from json_each({0}, {1}) where value = {2})",
                                      "({0} #> {1}) @> jsonb_build_array({2})",
                                      "coalesce(json_contains({0}, {2}, {1}), false)"};
inline constexpr by_engine<bool> elements_are_json{false, true, true};

// A parameter of JSON text, as JSON.
inline constexpr sql_word<1> json_mark{"json({0})", "{0}::jsonb", "{0}"};
inline constexpr names object_function{"json_object", "jsonb_build_object", "json_object"};
// Of what was computed, as 64 bits.
inline constexpr sql_word<1> as_integer{"{0}", "({0})::bigint", "cast({0} as signed)"};
inline constexpr sql_word<1> as_number{"{0}", "({0})::double precision", "({0} + 0e0)"};
// With what is missing first, and last.
inline constexpr names ascending{" asc", " asc nulls first", " asc"};
inline constexpr names descending{" desc", " desc nulls last", " desc"};

// Changes of documents in SQL. On MySQL they are made here instead (sql_session.cpp): there is no RETURNING, so that a
// change needs the locked document anyway.
inline constexpr by_engine<bool> changes_documents{true, true, false};
// {0} is the document as the steps before made it, {2} JSON.
inline constexpr sql_word<3> set{"json_set({0}, {1}, json({2}))", "jsonb_set({0}, {1}, {2})", ""};
inline constexpr sql_word<2> unset{"json_remove({0}, {1})", "({0} #- {1})", ""};
// Of SQLite's functions, one call takes many pairs; calls in each other would soon be too deep for its parser.
inline constexpr by_engine<bool> calls_take_many{true, false, false};
// {0} is the part, {1} the parameter. A sum of integers that leaves 64 bits becomes a floating-point number in SQLite
// without a word; "out of range" is no JSON, and so an error.
inline constexpr sql_word<2> integer_sum{
    "case typeof(coalesce({0}, 0) + {1}) when 'integer' then cast((coalesce({0}, 0) + {1}) as text) else 'out of "
    "range' end",
    "to_jsonb(coalesce({0}::bigint, 0) + {1}::bigint)", ""};
inline constexpr sql_word<2> number_sum{"printf('%!.17g', (coalesce({0}, 0) + {1}))",
                                        "to_jsonb(coalesce({0}::double precision, 0) + {1}::double precision)", ""};
// The list there with {2} at its end.
inline constexpr sql_word<3> appended{"json_insert(coalesce({0} -> {1}, '[]'), '$[#]', {2})",
                                      "(coalesce(({0} #> {1}), '[]') || jsonb_build_array({2}))", ""};
// {0} with the list that the row has there, less its elements {2}.
inline constexpr sql_word<3> pulled{
    "json_replace({0}, {1}, json((select json_group_array(json(body -> {1} -> fullkey)) from json_each(body -> {1}) "
    "where value is not {2})))",
    "jsonb_set({0}, {1}, coalesce((select jsonb_agg(element order by place) from jsonb_array_elements(case "
    "jsonb_typeof(body #> {1}) when 'array' then (body #> {1}) else '[]' end) with ordinality as each(element, place) "
    "where element <> {2}), '[]'), false)",
    ""};

// What an index over a place is made of: the expression itself, or a column of its own. MySQL's is generated; MariaDB
// has no other indexes over expressions. SQLite's is written with the document: its JSON functions may not stand in a
// schema that is not trusted (pragma trusted_schema), which the connections of lib/db keep so.
enum class index_part : std::uint8_t { expression, generated_column, written_column };
inline constexpr by_engine<index_part> index_parts{index_part::written_column, index_part::expression,
                                                   index_part::generated_column};

// How many tables have the name $1, how many of its columns the name $2, and how many of its indexes.
inline constexpr names count_tables{
    "select count(*) from sqlite_master where name = $1", "select count(to_regclass($1))",
    "select count(*) from information_schema.tables where table_schema = database() and table_name = $1"};
inline constexpr names count_columns{
    "select count(*) from pragma_table_info($1) where name = $2",
    "select count(*) from pg_attribute where attrelid = to_regclass($1) and attname = $2",
    "select count(*) from information_schema.columns where table_schema = database() and table_name = $1 and "
    "column_name = $2"};
inline constexpr names count_indexes{
    "select count(*) from sqlite_master where tbl_name = $1 and name = $2",
    "select count(*) from pg_index where indrelid = to_regclass($1) and indexrelid = to_regclass($2)",
    "select count(*) from information_schema.statistics where table_schema = database() and table_name = $1 and "
    "index_name = $2"};
// Others who make tables at the same moment wait here. Empty: nothing to do.
inline constexpr names begin_schema{"", "select pg_advisory_xact_lock(7311025)",
                                    "select get_lock('slipway_documents', 30)"};
inline constexpr names end_schema{"", "", "select release_lock('slipway_documents')"};

}  // namespace slipway::documents::detail::words
