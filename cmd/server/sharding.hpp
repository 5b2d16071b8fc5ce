// The databases that share tables, where there are any.
#pragma once

#include "config/settings.hpp"

#include <slipway/health/health.hpp>
#include <slipway/log/logger.hpp>
#include <slipway/sharding/mover.hpp>

#include <memory>

namespace app {

// Those of our models, and those of the settings. Add yours to the definition: tables_of<customer, invoice>().
sharding::tables sharded_tables(settings const& s);

// Null without sharding.nodes. Throws startup_error when the nodes are not set up, or not migrated.
std::unique_ptr<sharding::cluster> make_cluster(settings const& s, db::settings const& base, db::database& control,
                                                shards& on, log::logger const& log);
// Each node is needed: without one of them, its part of the rows is missing.
void add_nodes(health::monitor& health, sharding::cluster& all);

}  // namespace app
