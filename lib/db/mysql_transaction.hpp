// Transactions on one MySQL connection. For the .cpp files of this folder.
#pragma once

#include <slipway/db/mysql_pool.hpp>

#include <memory>

namespace slipway::db::detail {

// Takes a connection on which a transaction has been begun.
std::unique_ptr<exclusive> make_my_transaction(my_pool& home, my_pool::lease connection);

}  // namespace slipway::db::detail
