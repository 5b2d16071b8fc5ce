// One MySQL or MariaDB connection on its shard's loop. The protocol has no pipeline: one statement is on its way at a
// time, and the others of a shard take the pool's other connections, or wait.
#pragma once

#include <slipway/core/one_shot.hpp>
#include <slipway/db/driver.hpp>
#include <slipway/db/mysql_connect.hpp>
#include <slipway/db/mysql_wire.hpp>
#include <slipway/runtime/name_lookup.hpp>
#include <slipway/runtime/shard.hpp>

#include <boost/asio/ssl/context.hpp>
#include <boost/mysql/tcp_ssl.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::db::detail {

// The connection ended under a statement.
struct my_lost {
  std::string why;
  bool may_be_done = false;  // the statement had been sent
  bool by_us = false;        // because it took too long
};

// One statement on its way. `op` is null when nobody waits for it any more; it may become so at every suspension.
struct my_flight {
  operation* op = nullptr;
  one_shot* waiting = nullptr;  // what its coroutine waits for before it has a connection
  std::chrono::steady_clock::time_point abandoned_at{};

  // From now on it is cancelled with the operation's context.
  void hook() noexcept;
  // These resume whoever waits for the operation, who may do anything.
  void cancel(cancel_reason why);
  void succeed(rows answer) noexcept;
  void fail(std::exception_ptr error) noexcept;
};

// What all connections of an engine have in common. It outlives them.
struct my_target {
  my_address address;
  db::settings settings;
  boost::asio::ssl::context tls;
};

// Whether an error is what the server answered, and not the end of the connection.
bool is_from_server(boost::system::error_code error) noexcept;

class my_connection {
 public:
  my_connection(my_target& target, shard& home);
  my_connection(my_connection const&) = delete;
  my_connection& operator=(my_connection const&) = delete;
  ~my_connection();

  // Connects, and sets the session up. Throws my_refused.
  task<> open();
  // Throws db errors and my_lost. A server's error leaves the connection usable.
  task<rows> execute(my_flight& flight);
  // One or more statements in one text without parameters. `limit`: how long it may take.
  task<rows> text(std::string sql, std::chrono::steady_clock::duration limit);
  // The same; false when it failed, for whatever reason.
  task<bool> try_text(std::string sql, std::chrono::steady_clock::duration limit);
  // The same without any limit, the server's included.
  task<rows> unlimited(std::string sql);
  // False: the connection is no use.
  task<bool> ping();
  // Says goodbye, so that the server does not count a lost client.
  task<> quit();
  // Ends the connection at once; what is in flight ends with my_lost. `by_us`: because it took too long.
  void close(std::string why, bool by_us = false) noexcept;

  bool is_open() const noexcept { return open_; }
  // A server's error has undone the transaction, or left it in a state that is not to be gone on with.
  std::exception_ptr const& doomed() const noexcept { return doomed_; }
  void forget_transaction() noexcept { doomed_ = nullptr; }
  // The number by which the server knows it, for KILL.
  std::uint64_t id() const noexcept { return id_; }
  // "MariaDB 10.11.6" or "MySQL 8.0.36".
  std::string const& server() const noexcept { return server_; }

  // For whoever lends it. Past `silent_at` the server counts as silent; `max` while nothing is asked.
  std::chrono::steady_clock::time_point silent_at = std::chrono::steady_clock::time_point::max();
  std::chrono::steady_clock::time_point last_used{}, retire_at{};
  my_flight* flight = nullptr;  // what it does for somebody who may stop waiting

 private:
  struct prepared {
    boost::mysql::statement handle;
    my_text text;
    bool only_as_text = false;  // the server does not prepare statements of this kind
    std::uint64_t used = 0;     // the last time, in uses of the connection
    std::uint64_t uses = 0;
  };
  struct server_error {
    int number = 0;
    std::string message;
  };

  task<std::vector<std::string>> look_up();
  task<> connect();
  task<> set_up();
  std::string time_limit(std::chrono::milliseconds limit) const;
  task<> prepare(prepared& entry, std::string const& sql);
  task<prepared*> entry_of(statement const& what);
  task<> make_room(std::size_t most);
  task<rows> execute_prepared(prepared& entry, my_flight& flight);
  task<std::exception_ptr> explain(server_error failed, std::string sql);
  task<std::string> name_of_key(my_violation found);
  // Throws my_lost, or gives the server's error.
  std::optional<server_error> check(boost::system::error_code error, bool was_asked = false);
  std::string what_of(boost::system::error_code error) const;

  my_target& target_;
  shard& home_;
  boost::mysql::tcp_ssl_connection wire_;
  boost::mysql::diagnostics diagnostics_;
  std::optional<name_lookup> names_;  // while the host's name is resolved
  bool open_ = false, is_mariadb_ = false, closed_by_us_ = false;
  std::string closed_because_, server_;
  std::uint64_t id_ = 0, max_packet_ = 0, id_step_ = 1, uses_ = 0;
  std::exception_ptr doomed_;
  std::vector<std::unique_ptr<prepared>> by_number_;
  std::size_t prepared_count_ = 0;
  std::map<std::pair<std::string, std::string>, std::string> keys_;  // table and key to their columns
};

}  // namespace slipway::db::detail
