#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>
#include <slipway/db/core.hpp>
#include <slipway/db/database.hpp>
#include <slipway/db/engines.hpp>

namespace slipway::db {
namespace {

bool is_postgres(std::string_view url) noexcept {
  return url.starts_with("postgres://") || url.starts_with("postgresql://");
}

void check_replicas(settings const& s) {
  for (std::size_t i = 0; i < s.replicas.size(); ++i) {
    if (is_postgres(s.url) && is_postgres(s.replicas[i])) continue;
    throw startup_error{exit_code::config,
                        "database.replicas[" + std::to_string(i) + "]: '" + without_password(s.replicas[i]) +
                            "' cannot be a replica of '" + without_password(s.url) +
                            "': reads are split between PostgreSQL servers alone. For MySQL and MariaDB, put ProxySQL "
                            "or MaxScale before the servers; SQLite has no replicas"};
  }
}

std::unique_ptr<engine> make_engine(settings const& s, shards& on) {
  check_replicas(s);
  if (s.url.starts_with("sqlite:")) return detail::make_sqlite(s, on);
  if (is_postgres(s.url))
    return s.replicas.empty() ? detail::make_postgres(s, on) : detail::make_postgres_cluster(s, on);
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
