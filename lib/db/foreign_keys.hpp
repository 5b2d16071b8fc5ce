// SQLite does not say which foreign key was violated. For the .cpp files of this folder.
#pragma once

#include <slipway/db/core.hpp>

namespace slipway::db::detail {

inline bool is_unnamed_foreign_key(constraint_error const& e) noexcept {
  return e.kind() == constraint_kind::foreign_key && e.name() == "foreign_key";
}

// Looks for the key of this row that leads nowhere and throws the error again under its name, or as it was when there
// is none to be found any more.
task<> name_foreign_key(core& shared, link& to, table_info const& info, void* row, std::exception_ptr refused);

}  // namespace slipway::db::detail
