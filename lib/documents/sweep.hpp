#pragma once

#include <slipway/documents/session.hpp>

namespace slipway::documents::detail {

// What has expired in one collection, at most a thousand documents; the number that was removed.
task<std::int64_t> remove_expired(session& from, collection_info const& in);

}  // namespace slipway::documents::detail
