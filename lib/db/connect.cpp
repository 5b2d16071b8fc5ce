#include <slipway/core/errors.hpp>
#include <slipway/db/core.hpp>
#include <slipway/db/database.hpp>
#include <slipway/db/engines.hpp>

namespace slipway::db {
namespace {

std::unique_ptr<engine> make_engine(settings const& s, shards& on) {
  if (s.url.starts_with("sqlite:")) return detail::make_sqlite(s, on);
  if (s.url.starts_with("postgres://") || s.url.starts_with("postgresql://")) return detail::make_postgres(s, on);
  if (s.url.starts_with("mysql://") || s.url.starts_with("mariadb://")) return detail::make_mysql(s, on);
  throw startup_error{exit_code::config,
                      "database.url: '" + without_password(s.url) +
                          "' names no engine. Write sqlite:var/app.db, postgres://user:password@host:5432/database or "
                          "mysql://user:password@host:3306/database"};
}

}  // namespace

database connect(settings const& s, shards& on) {
  return database{std::make_unique<detail::core>(make_engine(s, on), s, on.size())};
}

}  // namespace slipway::db
