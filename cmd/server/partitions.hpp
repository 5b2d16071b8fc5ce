// The tables that are kept in partitions.
#pragma once

#include "config/settings.hpp"

#include <slipway/log/logger.hpp>
#include <slipway/partitions/keeper.hpp>

namespace app {

// Those of our models; the settings may name more. Add yours to the definition: tables_of<event, visit>().
partitions::tables partitioned_tables();

// While the service runs: now, and whenever partitions.interval has passed. One of several processes does it.
task<> keep_partitions(settings const& s, db::database& database, clock_source const& clock, log::logger log);

}  // namespace app
