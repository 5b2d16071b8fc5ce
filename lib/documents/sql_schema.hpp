#pragma once

#include <slipway/db/database.hpp>
#include <slipway/documents/session.hpp>

namespace slipway::documents::detail {

// Makes the tables, indexes and feeds that are missing, one process at a time.
task<> prepare_tables(db::database& in, std::vector<collection_info const*> all);

}  // namespace slipway::documents::detail
