#include <slipway/db/mysql_connection.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/asio_call.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/mysql/client_errc.hpp>
#include <boost/mysql/error_categories.hpp>

#include <algorithm>
#include <cstdlib>

namespace slipway::db::detail {

namespace asio = boost::asio;
namespace mysql = boost::mysql;
using asio::ip::tcp;
using steady = std::chrono::steady_clock;

namespace {

// Of one connection; a server has 16,382 by default for all.
constexpr std::size_t max_prepared = 200;
// What MySQL and MariaDB have that is needed here: CHECK that is kept, SKIP LOCKED.
constexpr int oldest_mysql = 80'016, oldest_mariadb = 100'600;

bool is_from_server(boost::system::error_code error) noexcept {
  return error.category() == mysql::get_common_server_category() ||
         error.category() == mysql::get_mysql_server_category() ||
         error.category() == mysql::get_mariadb_server_category();
}

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

void my_flight::hook() noexcept {
  op->owner = this;
  if (op->of == nullptr) return;
  op->fire = [](context::hook& h, cancel_reason why) {
    static_cast<my_flight*>(static_cast<operation&>(h).owner)->cancel(why);
  };
  op->of->add(*op);
}

void my_flight::cancel(cancel_reason why) {
  auto* const gone = std::exchange(op, nullptr);
  abandoned_at = steady::now();
  if (auto* first = std::exchange(waiting, nullptr)) first->fire();  // this flight may be over now
  context::drop(*gone);
  gone->error = std::make_exception_ptr(cancelled_error{why});
  gone->waiting.resume();
}

void my_flight::succeed(rows answer) noexcept {
  auto* const done = std::exchange(op, nullptr);
  context::drop(*done);
  done->answer = std::move(answer);
  done->waiting.resume();
}

void my_flight::fail(std::exception_ptr error) noexcept {
  auto* const done = std::exchange(op, nullptr);
  context::drop(*done);
  done->error = std::move(error);
  done->waiting.resume();
}

my_connection::my_connection(my_target& target, shard& home)
    : target_{target}, home_{home}, wire_{home.io().get_executor(), target.tls} {
  wire_.set_meta_mode(mysql::metadata_mode::full);  // with the names of the columns
}

my_connection::~my_connection() { close("the connection was given up"); }

void my_connection::close(std::string why, bool by_us) noexcept {
  if (open_) {
    closed_because_ = std::move(why);
    closed_by_us_ = by_us;
  }
  open_ = false;
  silent_at = steady::time_point::max();
  boost::system::error_code ignored;
  wire_.stream().lowest_layer().close(ignored);
}

std::string my_connection::what_of(boost::system::error_code error) const {
  auto const told = diagnostics_.server_message();
  if (!told.empty() && is_from_server(error))
    return std::string{told.data(), told.size()} + " (" + std::to_string(error.value()) + ")";
  return error.message();
}

std::optional<my_connection::server_error> my_connection::check(boost::system::error_code error, bool was_asked) {
  silent_at = steady::time_point::max();
  last_used = steady::now();
  if (!error) [[likely]]
    return std::nullopt;
  if (is_from_server(error)) {
    auto const told = diagnostics_.server_message();
    return server_error{error.value(), std::string{told.data(), told.size()}};
  }
  auto why = closed_because_.empty() ? error.message() : closed_because_;
  close(why);
  throw my_lost{std::move(why), was_asked, closed_by_us_};
}

task<> my_connection::connect() {
  auto const& address = target_.address;
  tcp::resolver resolver{home_.io()};
  auto const [unknown, found] = co_await call_for<tcp::resolver::results_type>(
      [&](auto done) { resolver.async_resolve(address.host, std::to_string(address.port), std::move(done)); });
  if (unknown) throw my_refused{"the host name cannot be resolved: " + unknown.message(), false};
  auto& socket = wire_.stream().next_layer();
  auto const failed = co_await asio_call{[&](auto done) { asio::async_connect(socket, found, std::move(done)); }};
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

task<rows> my_connection::text(std::string sql, steady::duration limit) {
  if (!open_) throw my_lost{.why = closed_because_};
  auto made = std::make_unique<my_answer>();
  silent_at = limit == steady::duration::max() ? steady::time_point::max() : steady::now() + limit;
  auto const error = co_await asio_call{[&](auto done) {
    wire_.async_execute(mysql::string_view{sql.data(), sql.size()}, made->found, diagnostics_, std::move(done));
  }};
  if (auto failed = check(error, true)) std::rethrow_exception(co_await explain(std::move(*failed), sql));
  co_return rows_of(std::move(made));
}

// MySQL's holds for reads alone; a change that takes longer is stopped from here.
std::string my_connection::time_limit(std::chrono::milliseconds limit) const {
  if (!is_mariadb_) return "max_execution_time = " + std::to_string(limit.count());
  return "max_statement_time = " + std::to_string(static_cast<double>(limit.count()) / 1000);
}

task<rows> my_connection::unlimited(std::string sql) {
  auto const soon = target_.settings.connect_timeout;
  co_await text("set session " + time_limit(std::chrono::milliseconds{0}), soon);
  rows found;
  std::exception_ptr error;
  try {
    found = co_await text(std::move(sql), steady::duration::max());
  } catch (my_lost const&) {
    throw;
  } catch (...) {
    error = std::current_exception();
  }
  co_await text("set session " + time_limit(target_.settings.statement_timeout), soon);
  if (error) std::rethrow_exception(error);
  co_return found;
}

task<bool> my_connection::ping() {
  if (!open_) co_return false;
  silent_at = steady::now() + target_.settings.connect_timeout;
  auto const error = co_await asio_call{[&](auto done) { wire_.async_ping(diagnostics_, std::move(done)); }};
  try {
    co_return !check(error);
  } catch (my_lost const&) {
    co_return false;
  }
}

task<> my_connection::quit() {
  if (!open_) co_return;
  silent_at = steady::now() + std::chrono::seconds{1};
  co_await asio_call{[&](auto done) { wire_.async_close(diagnostics_, std::move(done)); }};
  close("the connection was retired");
}

task<> my_connection::prepare(prepared& entry, std::string const& sql) {
  entry.text = rewrite_placeholders(sql);
  silent_at = steady::now() + target_.settings.connect_timeout;
  auto const [error, handle] = co_await call_for<mysql::statement>([&](auto done) {
    wire_.async_prepare_statement(mysql::string_view{entry.text.sql.data(), entry.text.sql.size()}, diagnostics_,
                                  std::move(done));
  });
  auto failed = check(error);
  if (!failed) {
    entry.handle = handle;
    co_return;
  }
  entry.only_as_text = failed->number == 1295 && entry.text.order.empty();  // "not supported in the prepared protocol"
  if (!entry.only_as_text) std::rethrow_exception(co_await explain(std::move(*failed), sql));
}

// Closes the statement that was not used for the longest time.
task<> my_connection::make_room() {
  std::unique_ptr<prepared>* oldest = nullptr;
  for (auto& each : by_number_)
    if (each && (oldest == nullptr || each->used < (*oldest)->used)) oldest = &each;
  if (oldest == nullptr) co_return;
  auto const old = std::move(*oldest);
  --prepared_count_;
  if (!old->handle.valid()) co_return;
  auto const error =
      co_await asio_call{[&](auto done) { wire_.async_close_statement(old->handle, diagnostics_, std::move(done)); }};
  check(error);
}

task<my_connection::prepared*> my_connection::entry_of(statement const& what) {
  auto const number = what.id;
  if (by_number_.size() <= number) by_number_.resize(number + 16);
  if (!by_number_[number]) {
    auto const sql = what.sql;  // `what` may go with whoever asked
    if (prepared_count_ >= max_prepared) co_await make_room();
    auto made = std::make_unique<prepared>();
    co_await prepare(*made, sql);
    by_number_[number] = std::move(made);
    ++prepared_count_;
  }
  auto* const entry = by_number_[number].get();
  entry->used = ++uses_;
  co_return entry;
}

task<rows> my_connection::execute_prepared(prepared& entry, my_flight& of) {
  if (entry.only_as_text) co_return co_await text(entry.text.sql, target_.settings.statement_timeout);
  auto made = std::make_unique<my_answer>();
  made->id_step = id_step_;
  std::vector<mysql::field_view> fields;
  encode(entry.text, *of.op->parameters, max_packet_, fields);
  silent_at = steady::now() + target_.settings.statement_timeout + std::chrono::seconds{2};
  // The message is put together before this suspends, so the parameters may go meanwhile.
  auto const error = co_await asio_call{[&](auto done) {
    wire_.async_execute(entry.handle.bind(fields.begin(), fields.end()), made->found, diagnostics_, std::move(done));
  }};
  if (auto failed = check(error, true)) {
    auto const sql = entry.text.sql;
    std::rethrow_exception(co_await explain(std::move(*failed), sql));
  }
  co_return rows_of(std::move(made));
}

task<rows> my_connection::execute(my_flight& of) {
  if (!open_) throw my_lost{.why = closed_because_};
  if (doomed_) std::rethrow_exception(doomed_);
  auto const& what = *of.op->what;
  if (what.id != 0) {
    auto* const entry = co_await entry_of(what);
    if (of.op == nullptr) co_return rows{};
    co_return co_await execute_prepared(*entry, of);
  }
  prepared once;
  co_await prepare(once, std::string{what.sql});
  rows found;
  std::exception_ptr error;
  if (of.op != nullptr) {
    try {
      found = co_await execute_prepared(once, of);
    } catch (my_lost const&) {
      throw;
    } catch (...) {
      error = std::current_exception();
    }
  }
  if (once.handle.valid() && open_)
    check(co_await asio_call{
        [&](auto done) { wire_.async_close_statement(once.handle, diagnostics_, std::move(done)); }});
  if (error) std::rethrow_exception(error);
  co_return found;
}

task<std::exception_ptr> my_connection::explain(server_error failed, std::string sql) {
  auto const code = std::to_string(failed.number);
  auto found = violation_of(failed.number, failed.message);
  if (!found) {
    auto error = error_of(failed.number, failed.message);
    if (ends_transaction(failed.number)) doomed_ = error;
    co_return error;
  }
  if (found->table.empty()) found->table = changed_table(sql);
  std::string name;
  switch (found->kind) {
    case constraint_kind::unique: name = "unique(" + co_await name_of_key(*found) + ")"; break;
    case constraint_kind::foreign_key: name = "foreign_key"; break;
    case constraint_kind::check: name = "check(" + found->name + ")"; break;
    case constraint_kind::not_null: name = "not_null(" + found->table + "." + found->name + ")"; break;
  }
  // The message of a unique key is left out: it repeats values.
  auto const what =
      "MySQL: " + (found->kind == constraint_kind::unique ? "duplicate entry for " + name : failed.message) + " (" +
      code + ")";
  co_return std::make_exception_ptr(constraint_error{found->kind, std::move(name), what, code});
}

// The columns behind a key, from the schema: users.email or notes.owner_id,notes.title; of a key over expressions, or
// one that several tables have when the statement does not tell which, its name.
task<std::string> my_connection::name_of_key(my_violation found) {
  auto const known = keys_.find({found.table, found.name});
  if (known != keys_.end()) co_return known->second;
  statement ask;
  ask.sql =
      "select table_name, group_concat(case when column_name is null or sub_part is not null then '' else "
      "concat(table_name, '.', column_name) end order by seq_in_index separator ','), "
      "sum(column_name is null or sub_part is not null) from information_schema.statistics where table_schema = "
      "database() and index_name = $1 and non_unique = 0 group by table_name";
  values parameters{found.name};
  operation asked;
  asked.what = &ask;
  asked.parameters = &parameters;
  my_flight flight_of_ours{.op = &asked};
  std::string out = found.name;
  try {
    auto const tables = co_await execute(flight_of_ours);
    for (auto const& row : tables)
      if ((tables.size() == 1 || row.get<std::string>(0) == found.table) && row.get<int>(2) == 0)
        out = row.get<std::string>(1);
  } catch (db::error const&) {
    co_return out;  // a name that is less good than it could be
  }
  if (keys_.size() < 1000) keys_[{found.table, found.name}] = out;
  co_return out;
}

}  // namespace slipway::db::detail
