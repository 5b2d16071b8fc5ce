// The store that the settings ask for.
#pragma once

#include <slipway/db/database.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/documents/settings.hpp>
#include <slipway/runtime/blocking_pool.hpp>

#include <memory>
#include <string>

namespace slipway::documents {

// For MongoDB, `pool` is where its requests are worked on: its metrics are those of the store. Null: on SQL.
struct opened {
  std::unique_ptr<blocking_pool> pool;
  std::unique_ptr<documents::store> store;
};

// What `connect` asks before it looks for a server, the module and its driver's opinion of the URL included. Throws
// startup_error(config).
void check(settings const& s, std::string const& application = "slipway");

// What it is given must outlive the store. Throws startup_error with what to do: config for a wrong URL, password or
// certificate, for a module that is missing or of another version, and for a server that is too old (MongoDB before
// 5.0); unavailable when no server answers. No message shows the password. Not from a shard's thread.
opened connect(settings const& s, db::database& database, clock_source const& clock = system_clock(),
               std::string const& application = "slipway");

}  // namespace slipway::documents
