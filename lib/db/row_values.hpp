// Rows as values of statements and back, column by column. For the .cpp files of this folder.
#pragma once

#include <slipway/db/core.hpp>

namespace slipway::db::detail {

inline void* member_of(table_info const& info, void* row, std::uint8_t column) noexcept {
  return info.row->members[column].at(row);
}

// As it is stored.
value column_value(core& shared, table_info const& info, void* row, std::uint8_t column);
// Of an encrypted column.
value sealed(core& shared, table_info const& info, std::uint8_t column, value const& plain);

// An integer key of zero is given by the database.
bool key_is_given(table_info const& info, void* row) noexcept;
void write_key(table_info const& info, void* row, std::int64_t number);
// What the database layer keeps by itself: id, timestamps, version.
void complete_new_row(core& shared, table_info const& info, void* row);

}  // namespace slipway::db::detail
