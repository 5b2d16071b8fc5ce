// One for each engine. For the .cpp files of this folder.
#pragma once

#include <slipway/json/value.hpp>
#include <slipway/query_health/explain.hpp>

namespace slipway::query_health::detail {

task<plan> explain_postgres(db::database& on, std::string sql, std::vector<db::value_kind> signature,
                            std::chrono::milliseconds limit);
task<plan> explain_mysql(db::database& on, std::string sql, std::vector<db::value_kind> signature);
task<plan> explain_sqlite(db::database& on, std::string sql, std::vector<db::value_kind> signature);

// For tests: what a plan in JSON says.
plan read_postgres_plan(json::value const& document);
plan read_mysql_plan(json::value const& document, std::string_view sql);
// MariaDB forgets to escape the quotes of names in conditions when names are quoted with them (ANSI_QUOTES). It writes
// a line for each member.
std::string with_quotes_escaped(std::string_view text);

// A member as text or number, or nothing.
std::string text_at(boost::json::object const& o, std::string_view name);
double number_at(boost::json::object const& o, std::string_view name, double otherwise);

}  // namespace slipway::query_health::detail
