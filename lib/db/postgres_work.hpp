// What is done on a connection of one's own from a shard's pool: transactions, scripts, COPY. For the engines of
// PostgreSQL: one server, or one of several.
#pragma once

#include <slipway/db/postgres_transaction.hpp>

#include <memory>
#include <string>

namespace slipway::db::detail {

// All of these throw unavailable_error and cancelled_error.
task<std::unique_ptr<exclusive>> begin_on(pg_shard& here, transaction_options options);
task<pg_place> begun_on(pg_shard& here, isolation level);
task<> run_script_on(pg_shard& here, std::string text);
task<std::unique_ptr<copy_channel>> open_copy_on(pg_shard& here, std::string text, link::copy_direction direction);
// A sign of life. `place` for the message.
task<> ping_on(pg_shard& here, std::string const& place);

}  // namespace slipway::db::detail
