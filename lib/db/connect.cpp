#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>
#include <slipway/db/check.hpp>
#include <slipway/db/core.hpp>
#include <slipway/db/database.hpp>
#include <slipway/db/engines.hpp>
#include <slipway/db/mysql_connect.hpp>
#include <slipway/db/postgres_connect.hpp>
#include <slipway/db/sqlite_file.hpp>

#include <boost/asio/ssl/context.hpp>

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

void check_postgres(settings const& s) {
  if (s.replicas.empty()) {
    detail::place_of(s);
    return;
  }
  detail::place_of_one(s, s.url, "database.url");
  for (std::size_t i = 0; i < s.replicas.size(); ++i)
    detail::place_of_one(s, s.replicas[i], "database.replicas[" + std::to_string(i) + "]");
}

[[noreturn]] void refuse_engine(settings const& s) {
  throw startup_error{exit_code::config,
                      "database.url: '" + without_password(s.url) +
                          "' names no engine. Write sqlite:var/app.db, postgres://user:password@host:5432/database or "
                          "mysql://user:password@host:3306/database"};
}

bool is_mysql(std::string_view url) noexcept { return url.starts_with("mysql://") || url.starts_with("mariadb://"); }

std::unique_ptr<engine> make_engine(settings const& s, shards& on) {
  check_replicas(s);
  if (s.url.starts_with("sqlite:")) return detail::make_sqlite(s, on);
  if (is_postgres(s.url))
    return s.replicas.empty() ? detail::make_postgres(s, on) : detail::make_postgres_cluster(s, on);
  if (is_mysql(s.url)) return detail::make_mysql(s, on);
  refuse_engine(s);
}

}  // namespace

void check(settings const& s) {
  check_replicas(s);
  if (s.url.starts_with("sqlite:"))
    sqlite_file(s.url);
  else if (is_postgres(s.url))
    check_postgres(s);
  else if (is_mysql(s.url))
    detail::make_tls_context(detail::parse_mysql_url(s.url));
  else
    refuse_engine(s);
}

database connect(settings const& s, shards& on) {
  return database{std::make_unique<detail::core>(make_engine(s, on), s, on.size())};
}

}  // namespace slipway::db
