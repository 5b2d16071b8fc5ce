#include <slipway/core/errors.hpp>
#include <slipway/db/engines.hpp>

namespace slipway::db::detail {

std::unique_ptr<engine> make_postgres(settings const&, shards&) {
  throw startup_error{exit_code::config, "database.url: PostgreSQL is not part of this build"};
}

}  // namespace slipway::db::detail
