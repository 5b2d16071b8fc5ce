// Where a MySQL or MariaDB server is, and how to speak to it: the parts of database.url. Nothing is opened here.
#pragma once

#include <slipway/db/settings.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace slipway::db::detail {

// As libpq's sslmode, so that one word means one thing on every engine.
enum class tls_mode : std::uint8_t { disable, prefer, require, verify_ca, verify_full };

struct my_address {
  std::string host = "localhost";
  std::uint16_t port = 3306;
  std::string user, password, database;
  tls_mode tls = tls_mode::prefer;
  std::string ca, certificate, key;  // files of PEM

  // "host:port, database name" for messages.
  std::string place() const;
};

// mysql://user:password@host:port/database?sslmode=verify-full&sslrootcert=ca.pem&sslcert=..&sslkey=..; mariadb:// is
// the same. Throws startup_error(config) that says what is wrong and shows no password.
my_address parse_mysql_url(std::string const& url);

// What all connections of the engine share. Throws startup_error(config) that names the file that cannot be used.
boost::asio::ssl::context make_tls_context(my_address const& address);

// Why a connection could not be opened. `is_final`: the server is there and says no, so trying again is no use.
class my_refused : public std::runtime_error {
 public:
  my_refused(std::string const& what, bool is_final) : std::runtime_error{what}, is_final_{is_final} {}
  bool is_final() const noexcept { return is_final_; }

 private:
  bool is_final_;
};

}  // namespace slipway::db::detail
