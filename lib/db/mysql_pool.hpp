// What one shard has of MySQL: a fixed number of connections that are opened at the start, kept warm, replaced when
// they are lost or old, and lent to whoever asked first. Everything here happens on the shard's thread.
//
// `connections` is how many transactions may run at once. `pipelines` more serve nothing but statements outside
// transactions, so that transactions which wait for such a statement cannot wait for each other without end.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/db/mysql_connection.hpp>
#include <slipway/db/pool_counters.hpp>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace slipway::db::detail {

class my_pool {
 public:
  using lease = std::shared_ptr<my_connection>;
  enum class purpose : std::uint8_t { statement, transaction };

  my_pool(my_target& target, shard& home);

  // Opens all connections, for the start. Throws my_refused when one cannot be opened.
  task<> warm();
  // A statement that stands alone.
  bool start(operation& op) noexcept;
  // A connection of one's own, first come, first served. Throws unavailable_error and cancelled_error.
  task<lease> acquire(purpose what);
  void release(lease connection, purpose what);
  // Has the server stop what runs on the connection, and closes it. Another connection does that, so it takes a while.
  void stop(my_connection& connection, std::string why);
  // A script on a connection that was acquired. It may take its time: neither the server's time-out nor ours holds for
  // it. Throws db errors, unavailable_error and cancelled_error.
  task<> run_script(my_connection& on, std::string text);
  // Nothing is accepted any more; what is in flight fails. Over when nothing uses the connections any more.
  task<> close();

  // Throws unavailable_error when there is no connection, or the server does not answer on it.
  task<> sign_of_life();
  void was_lost(my_lost const& how);
  // How long one statement may take before its connection is given up.
  std::chrono::steady_clock::duration statement_limit() const noexcept {
    return settings_.statement_timeout + std::chrono::seconds{2};
  }
  // A server that answers at all does by then.
  std::chrono::steady_clock::duration answer_limit() const noexcept { return settings_.connect_timeout; }
  pool_counters const& counters() const noexcept { return counters_; }

 private:
  struct waiter {
    purpose what = purpose::statement;
    my_flight* flight = nullptr;  // null: the one who waits hears of its context by itself
    context* of = nullptr;
    std::chrono::steady_clock::time_point began, give_up;
    one_shot done;
    lease connection;
    std::exception_ptr error;
    std::list<waiter*>::iterator place;
    bool in_line = false;
  };

  task<> run_alone(operation& op);
  // Null when nobody waits for the flight any more.
  task<lease> borrow(my_flight& flight);
  task<> wait_in_line(waiter& me);
  lease take(purpose what);
  void offer();
  void answer(waiter& to, lease connection, std::exception_ptr error);
  void leave_line(waiter& me) noexcept;
  // Whether it can be used; asks the server when there is doubt.
  task<bool> is_well(my_connection& connection);
  void put_back(lease connection);
  void drop(lease const& connection);
  void replenish();
  task<> open_one();
  void adopt(lease connection);
  task<> kill(std::uint64_t id);
  task<> look_after(lease connection);
  void tick();
  void tick_line(std::chrono::steady_clock::time_point now);
  void tick_connections(std::chrono::steady_clock::time_point now);
  void tick_idle(std::chrono::steady_clock::time_point now);
  void one_less() noexcept;
  unavailable_error none_free(std::size_t waiting) const;

  my_target& target_;
  settings const& settings_;
  shard& home_;
  pool_counters counters_;
  std::vector<lease> all_;    // open ones, lent or not
  std::vector<lease> idle_;   // the last one back is the first one out
  std::vector<lease> fresh_;  // being opened
  std::list<waiter*> line_;
  std::size_t opening_ = 0, transactions_ = 0, kills_ = 0;
  std::size_t working_ = 0;  // coroutines that need this object
  unsigned failures_ = 0;
  std::chrono::steady_clock::time_point next_attempt_{};
  std::chrono::steady_clock::time_point suspect_{};  // what was not used since may be dead
  std::string last_error_;
  bool is_warm_ = false;  // until then `warm` opens, and nobody else
  bool closing_ = false;
  one_shot* quiet_ = nullptr;  // `close` waits for the last coroutine
  shard::ticker ticker_;
};

}  // namespace slipway::db::detail
