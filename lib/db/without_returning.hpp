// What other engines do with RETURNING, for one that has none: MySQL has not, and MariaDB has it for INSERT and DELETE
// alone. The rows are named and locked first, changed, and read again, in one transaction. For the .cpp files of this
// folder.
#pragma once

#include <slipway/db/core.hpp>

#include <functional>
#include <string>
#include <vector>

namespace slipway::db::detail {

// Runs `work` in the transaction that `to` is, or in one of its own, which is repeated when it loses against another.
task<> in_one_transaction(core& shared, link& to, std::function<task<>(link&)> work);

// The changed rows as they are now, removed ones as they were.
task<std::vector<rows>> change_in_steps(change_state& change, change_state::kind what);

// Runs the update and fills `row` with what is stored then. False: no row was changed. `key` names the row alone.
task<bool> update_and_read(change_state& change, untyped_condition key, void* row);

// `insert` is a guarded ON DUPLICATE KEY UPDATE (insert.cpp) of `row`; fills it with what is stored then. False: the
// row stands against another unique key than that of `columns`, and nothing was done.
task<bool> upsert_and_read(core& shared, link& to, table_info const& info, void* row, std::string const& columns,
                           statement const& insert, values const& parameters, bool key_is_given,
                           std::source_location at);

}  // namespace slipway::db::detail
