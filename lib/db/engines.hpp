// The engines that `connect` chooses from. Each is made on the main thread and opens its connections on the shards.
// For the .cpp files of this folder.
#pragma once

#include <slipway/db/driver.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>
#include <string>

namespace slipway::db::detail {

std::unique_ptr<engine> make_sqlite(settings const& s, shards& on);
std::unique_ptr<engine> make_postgres(settings const& s, shards& on);
// A primary and its replicas.
std::unique_ptr<engine> make_postgres_cluster(settings const& s, shards& on);
std::unique_ptr<engine> make_mysql(settings const& s, shards& on);

}  // namespace slipway::db::detail
