// Every model of this application that is a table: what `slipway migrate diff` holds against the database.
#pragma once

#include "models/idempotency_key.hpp"
#include "models/note.hpp"
#include "models/session.hpp"
#include "models/user.hpp"

#include <slipway/db/models.hpp>

namespace app {

inline db::models all_tables() { return db::models_of<user, refresh_token, note, idempotency_key>(); }

}  // namespace app
