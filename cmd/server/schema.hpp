// The database's schema, and whether it is the one that this binary needs.
#pragma once

#include "config/settings.hpp"

#include <slipway/db/database.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/log/logger.hpp>
#include <slipway/migrations/migrator.hpp>
#include <slipway/runtime/shards.hpp>

namespace app {

// The migrations of the settings' directory, or of the binary.
std::vector<migrations::file> migrations_for(settings const& s);
migrations::options migration_options(settings const& s, migrations::options o);

// How a node of the cluster is reached: as the main database is, at its own URL.
db::settings node_database(settings const& s, sharding::node_settings const& node);

// For commands that need a database that is there: a file that is not is refused instead of made.
db::settings existing(db::settings of);
// A file of SQLite that is not there.
bool is_yet_to_be_made(db::settings const& which);

// Applies what is pending when the settings say so; else throws startup_error when something is.
void require_schema(settings const& s, db::database& database, shards& on, log::logger const& log);

// Throws startup_error when something is pending.
void refuse_pending(settings const& s, std::vector<migrations::file> files, db::database& database, shards& on);

// Makes the collections of documents and their indexes that are missing; with all of them there it needs no right to
// change the schema. Throws startup_error when it has not got it.
void prepare_documents(documents::store& in, shards& on);

}  // namespace app
