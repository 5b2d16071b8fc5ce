// Where SQLite keeps a database.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway::db {

// The file of "sqlite:var/app.db", as it stands there. Nothing for "sqlite::memory:" and for other engines' URLs. Throws
// startup_error(config) when none is named.
std::optional<std::string> sqlite_file(std::string_view url);

}  // namespace slipway::db
