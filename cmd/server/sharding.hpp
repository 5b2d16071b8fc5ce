// The databases that share tables, where there are any.
#pragma once

#include "config/settings.hpp"
#include "middleware/sharding_metrics.hpp"

#include <slipway/config/loader.hpp>
#include <slipway/health/health.hpp>
#include <slipway/log/logger.hpp>
#include <slipway/sharding/mover.hpp>

#include <functional>
#include <memory>
#include <string_view>

namespace app {

// Those of our models, and those of the settings. Add yours to the definition: tables_of<customer, invoice>().
sharding::tables sharded_tables(settings const& s);

// Null without sharding.nodes. `watch` gives the observer of a node's statements. Throws startup_error when the nodes
// are not set up, or not migrated.
std::unique_ptr<sharding::cluster> make_cluster(config::loaded<settings> const& in, db::settings const& base,
                                                db::database& control, shards& on, log::logger const& log,
                                                std::function<db::observer*(std::string_view)> const& watch);
// Each node is needed: without one of them, its part of the rows is missing.
void add_nodes(health::monitor& health, sharding::cluster& all);
// While the service runs: looks how far moves of slots are, whichever process makes them. For metrics.
task<> watch_moves(sharding::cluster& all, middleware::moves_seen& seen, log::logger log);

}  // namespace app
