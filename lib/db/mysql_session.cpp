// Opening a connection, and making its session what the rest of the house expects.
#include <slipway/core/errors.hpp>
#include <slipway/db/asio_call.hpp>
#include <slipway/db/mysql_connection.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/mysql/client_errc.hpp>

#include <algorithm>
#include <cstdlib>

namespace slipway::db::detail {

namespace asio = boost::asio;
namespace mysql = boost::mysql;
using asio::ip::tcp;
using steady = std::chrono::steady_clock;

namespace {

// What MySQL and MariaDB have that is needed here: CHECK that is kept, SKIP LOCKED.
constexpr int oldest_mysql = 80'016, oldest_mariadb = 100'600;

// 100611 of "10.6.11-MariaDB-1", also behind the "5.5.5-" that some proxies put before it.
int version_number(std::string text) {
  if (text.starts_with("5.5.5-")) text.erase(0, 6);
  int parts[3] = {0, 0, 0};
  char const* at = text.c_str();
  for (int& part : parts) {
    char* end = nullptr;
    part = static_cast<int>(std::strtol(at, &end, 10));
    if (*end != '.') break;
    at = end + 1;
  }
  return parts[0] * 10'000 + parts[1] * 100 + parts[2];
}

}  // namespace

task<std::vector<std::string>> my_connection::look_up() {
  auto const& host = target_.address.host;
  auto found = co_await names_.emplace(home_).of(host);
  names_.reset();
  if (!open_)  // a connect would open the socket again
    throw my_refused{closed_by_us_ ? "the host name " + host + " was not resolved within " +
                                         std::to_string(target_.settings.connect_timeout.count()) + " ms"
                                   : closed_because_,
                     false};
  if (!found) throw my_refused{"the host name cannot be resolved: " + found.error(), false};
  co_return std::move(*found);
}

task<> my_connection::connect() {
  auto const& address = target_.address;
  std::vector<tcp::endpoint> places;
  for (auto const& each : co_await look_up()) places.emplace_back(asio::ip::make_address(each), address.port);
  auto& socket = wire_.stream().next_layer();
  auto const failed = co_await asio_call{[&](auto done) { asio::async_connect(socket, places, std::move(done)); }};
  if (failed) throw my_refused{closed_because_.empty() ? failed.message() : closed_because_, false};
  socket.set_option(tcp::no_delay{true});
  socket.set_option(asio::socket_base::keep_alive{true});

  if (address.tls != tls_mode::disable) {
    auto* const handle = wire_.stream().native_handle();
    boost::system::error_code not_an_address;
    asio::ip::make_address(address.host, not_an_address);
    if (not_an_address) SSL_set_tlsext_host_name(handle, address.host.c_str());
    if (address.tls == tls_mode::verify_full)
      wire_.stream().set_verify_callback(asio::ssl::host_name_verification{address.host});
  }
  mysql::handshake_params const who{address.user,
                                    address.password,
                                    address.database,
                                    mysql::handshake_params::default_collation,
                                    address.tls == tls_mode::disable  ? mysql::ssl_mode::disable
                                    : address.tls == tls_mode::prefer ? mysql::ssl_mode::enable
                                                                      : mysql::ssl_mode::require,
                                    true};
  auto const refused =
      co_await asio_call{[&](auto done) { wire_.async_handshake(who, diagnostics_, std::move(done)); }};
  if (!refused) co_return;
  if (!closed_because_.empty()) throw my_refused{closed_because_, false};
  auto const is_final = is_from_server(refused) ? refuses_for_good(refused.value())
                                                : refused.category() == mysql::get_client_category() ||
                                                      refused.category() == asio::error::get_ssl_category();
  throw my_refused{what_of(refused), is_final};
}

task<> my_connection::open() {
  // Connected or not, `close` has to end what is under way when it takes too long.
  open_ = true;
  silent_at = steady::now() + target_.settings.connect_timeout;
  std::exception_ptr error;
  try {
    co_await connect();
    co_await set_up();
  } catch (my_lost const& lost) {
    error = std::make_exception_ptr(my_refused{lost.why, false});
  } catch (db::error const& refused) {
    auto const number = std::atoi(refused.code().c_str());
    error = std::make_exception_ptr(my_refused{refused.what(), number == 0 || refuses_for_good(number)});
  } catch (unavailable_error const& refused) {
    error = std::make_exception_ptr(my_refused{refused.what(), false});
  } catch (my_refused const&) {
    error = std::current_exception();
  } catch (boost::system::system_error const& refused) {  // an option of the socket
    error = std::make_exception_ptr(my_refused{refused.what(), false});
  }
  if (!error) co_return;
  close("the connection was not opened");
  std::rethrow_exception(error);
}

task<> my_connection::set_up() {
  auto const& s = target_.settings;
  auto const found = co_await text(
      "select version(), @@version_comment, connection_id(), @@max_allowed_packet, @@auto_increment_increment",
      s.connect_timeout);
  auto const version = found[0].get<std::string>(0);
  is_mariadb_ =
      version.find("MariaDB") != std::string::npos || found[0].get<std::string>(1).find("MariaDB") != std::string::npos;
  auto const number = version_number(version);
  server_ = (is_mariadb_ ? "MariaDB " : "MySQL ") +
            version.substr(0, version.find('-', version.starts_with("5.5.5-") ? 6 : 0));
  if (number < (is_mariadb_ ? oldest_mariadb : oldest_mysql))
    throw my_refused{server_ + " is too old: MariaDB 10.6 or MySQL 8.0.16 is needed", true};
  id_ = static_cast<std::uint64_t>(found[0].get<std::int64_t>(2));
  max_packet_ = static_cast<std::uint64_t>(found[0].get<std::int64_t>(3));
  id_step_ = static_cast<std::uint64_t>(found[0].get<std::int64_t>(4));

  auto const lock_wait = std::to_string(std::clamp<std::int64_t>(s.statement_timeout.count() / 2000, 1, 3600));
  co_await text(
      // One SQL for all engines: "names" are quoted as in the standard, '\' is a character, || joins texts, and what
      // does not fit is refused.
      "set session sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,NO_ZERO_DATE,"
      "NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY';"
      "set names utf8mb4 collate " +
          std::string{is_mariadb_ ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin"} +
          ";set session time_zone = '+00:00', lc_messages = 'en_US', autocommit = 1, foreign_key_checks = 1, "
          "unique_checks = 1, wait_timeout = 28800, innodb_lock_wait_timeout = " +
          lock_wait + "; set session " + time_limit(s.statement_timeout) +
          ";set session transaction isolation level read committed",
      s.connect_timeout);
  if (!is_mariadb_) co_return;
  try {  // since 10.6.18: repeatable read notices lost updates
    co_await text("set session innodb_snapshot_isolation = on", s.connect_timeout);
  } catch (db::error const& unknown) {
    if (unknown.code() != "1193") throw;
  }
}

// MySQL's holds for reads alone; a change that takes longer is stopped from here.
std::string my_connection::time_limit(std::chrono::milliseconds limit) const {
  if (!is_mariadb_) return "max_execution_time = " + std::to_string(limit.count());
  return "max_statement_time = " + std::to_string(static_cast<double>(limit.count()) / 1000);
}

}  // namespace slipway::db::detail
