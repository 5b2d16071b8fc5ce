// What differs between the engines. For the .cpp files of this folder.
#pragma once

#include <slipway/partitions/keeper.hpp>

namespace slipway::partitions {

// What the table has now. A problem when it is not parted, or by another column.
task<table_status> look_postgres(db::session& in, table const& t);
task<table_status> look_mysql(db::session& in, table const& t);

// The statements of a change, in their order. Those for removing may be done one by one.
task<std::vector<std::string>> statements_postgres(db::session& in, table const& t, change const& c);
task<std::vector<std::string>> statements_mysql(db::session& in, table const& t, change const& c);

// As the column holds it: a time, or an id of version 7 that was made at that moment and is below all others of it.
std::string bound_of(std::string const& column_type, time_point moment);
std::optional<time_point> moment_of(uuid const& bound) noexcept;

}  // namespace slipway::partitions
