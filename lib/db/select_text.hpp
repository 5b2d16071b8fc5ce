// For the .cpp files of this folder.
#pragma once

#include <slipway/db/core.hpp>
#include <slipway/db/sql_writer.hpp>

namespace slipway::db::detail {

std::unique_ptr<statement> make_select(select_state const& s, select_state::wanted what);

}  // namespace slipway::db::detail
