#include <slipway/backup/engine.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>

namespace slipway::backup {

std::unique_ptr<engine> make_engine(std::string const& url, std::string const& client_directory) {
  if (url.starts_with("sqlite:")) return detail::make_sqlite(url);
  if (url.starts_with("postgres://") || url.starts_with("postgresql://"))
    return detail::make_postgres(url, client_directory);
  if (url.starts_with("mysql://") || url.starts_with("mariadb://")) return detail::make_mysql(url, client_directory);
  throw startup_error{exit_code::config, "there is no backup for database.url " + without_password(url)};
}

}  // namespace slipway::backup
