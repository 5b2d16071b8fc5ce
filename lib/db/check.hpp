// Whether settings lead to a database at all, found without asking one: for a command that checks a configuration.
#pragma once

#include <slipway/db/settings.hpp>

namespace slipway::db {

// What `connect` asks first: the engine, the form of the URLs, the files of certificates that they name. Opens no
// database. Throws startup_error(config), which names the setting and shows no password.
void check(settings const& s);

}  // namespace slipway::db
