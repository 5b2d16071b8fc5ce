// The words in which engines differ, side by side. Operands are SQL already. For .cpp files that write SQL.
#pragma once

#include <slipway/db/by_engine.hpp>
#include <slipway/db/condition.hpp>

#include <string>
#include <string_view>

namespace slipway::db::words {

// What must stand before an offset without a limit. MySQL's means all, as its manual has it.
inline constexpr by_engine<std::string_view> no_limit{" limit -1", "", " limit 18446744073709551615"};
// SQLite needs none, because a transaction excludes the others anyway.
inline constexpr by_engine<std::string_view> for_update{"", " for update", " for update"};
inline constexpr by_engine<std::string_view> skip_locked{"", " for update skip locked", " for update skip locked"};
// (a, b) < (c, d), by way of an index. MySQL would do it, but without its indexes.
inline constexpr by_engine<bool> compares_rows{true, true, false};

// {0} and {1} differ, where null differs from every value.
inline constexpr sql_word<2> differs{"{0} is not {1}", "{0} is distinct from {1}", "(not {0} <=> {1})"};
// The text {0} matches the pattern {1}, without regard to case; \ makes the next character ordinary. MySQL's columns
// compare byte by byte, so that equality is the same on every engine.
inline constexpr sql_word<2> like{"{0} like {1} escape '\\'", "{0} ilike {1} escape '\\'",
                                  "lower({0}) like lower({1}) escape '\\'"};
// The text {0} begins with {1}, with regard to case. The first half lets an index help; MySQL's `length` counts bytes.
inline constexpr sql_word<2> starts_with{"({0} >= {1} and substr({0}, 1, length({1})) = {1})", "{0} ^@ {1}",
                                         "({0} >= {1} and substr({0}, 1, char_length({1})) = {1})"};
// The JSON list {0} has the text {1}.
inline constexpr sql_word<2> has_element{"exists (select 1 from json_each({0}) where value = {1})", "{0} ? {1}",
                                         "json_contains({0}, json_quote({1}))"};

// Columns that are arrays of the engine's own; JSON elsewhere.
inline constexpr by_engine<bool> has_arrays{false, true, false};
inline constexpr sql_pattern<2> array_has_element{"{1} = any({0})"};
inline constexpr sql_word<1> array_as_json{"{0}", "to_jsonb({0})", "{0}"};
// {0} is JSON, {1} the type of the elements.
inline constexpr sql_word<2> json_as_array{
    "{0}",
    "array(select value::{1} from jsonb_array_elements_text({0}) with ordinality as each(value, place) order by place)",
    "{0}"};
std::string_view array_type(meta::type const& element) noexcept;

// What stands at the place {1} of the JSON document {0}; null when it is not there or of another type. What MySQL's JSON
// functions give has another collation than texts of the connection.
inline constexpr sql_word<2> text_part{
    "case when json_type({0}, {1}) in ('text') then json_extract({0}, {1}) end",
    "case when jsonb_typeof({0} #> {1}) = 'string' then ({0} #>> {1}) end",
    "case when json_type(json_extract({0}, {1})) in ('STRING') then cast(json_unquote(json_extract({0}, {1})) as char) "
    "end"};
inline constexpr sql_word<2> number_part{
    "case when json_type({0}, {1}) in ('integer', 'real') then json_extract({0}, {1}) end",
    "case when jsonb_typeof({0} #> {1}) = 'number' then ({0} #>> {1})::double precision end",
    "case when json_type(json_extract({0}, {1})) in ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') then "
    "json_extract({0}, {1}) + 0e0 end"};
inline constexpr sql_word<2> boolean_part{
    "case when json_type({0}, {1}) in ('true', 'false') then json_extract({0}, {1}) end",
    "case when jsonb_typeof({0} #> {1}) = 'boolean' then ({0} #>> {1})::boolean end",
    "case when json_type(json_extract({0}, {1})) in ('BOOLEAN') then json_unquote(json_extract({0}, {1})) collate "
    "utf8mb4_bin = 'true' end"};
// A path as in a program, as that place: '$."name"[0]', and '{"name",0}' for PostgreSQL.
std::string json_place(dialect engine, std::string_view path);

// An order with its place for nulls; {1} is " desc" or nothing. MySQL knows no NULLS FIRST.
inline constexpr sql_word<2> nulls_first{"{0}{1} nulls first", "{0}{1} nulls first", "{0} is not null, {0}{1}"};
inline constexpr sql_word<2> nulls_last{"{0}{1} nulls last", "{0}{1} nulls last", "{0} is null, {0}{1}"};

// A decimal is an integer that counts the smallest units.
inline constexpr by_engine<bool> decimals_are_units{true, false, false};
// A parameter that is compared with a decimal of the scale {1}: MySQL would compare a text as a floating-point number.
inline constexpr sql_word<2> decimal_mark{"{0}", "{0}", "cast({0} as decimal(40, {1}))"};

}  // namespace slipway::db::words
