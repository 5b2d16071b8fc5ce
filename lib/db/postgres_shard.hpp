// What one shard has of PostgreSQL: a few shared pipelines for statements that stand alone, and a bounded pool of
// connections for transactions. Everything here happens on the shard's thread.
#pragma once

#include <slipway/core/one_shot.hpp>
#include <slipway/db/pool_counters.hpp>
#include <slipway/db/postgres_cancel.hpp>
#include <slipway/db/postgres_connect.hpp>
#include <slipway/db/postgres_connection.hpp>
#include <slipway/db/postgres_listener.hpp>
#include <slipway/db/postgres_parts.hpp>
#include <slipway/runtime/blocking_pool.hpp>

#include <atomic>
#include <functional>
#include <list>

namespace slipway::db::detail {

using pg_counters = pool_counters;

class pg_shard;

// Where a statement goes that this server did not answer: for servers that have others beside them. On the shard's
// thread.
class pg_detour {
 public:
  // True: the statement is on its way elsewhere, and will be resumed later. `state`: the SQLSTATE of what the server
  // said, empty when there is no connection to it.
  virtual bool take(pg_shard& from, operation& op, std::string_view state) = 0;
  // Whether the server answers as far as is known. As long as it does not, one connection tries, and not all shards.
  virtual bool answers(pg_shard const& server) const noexcept = 0;

 protected:
  ~pg_detour() = default;
};

// A connection of one's own, and whose it is.
struct pg_place {
  pg_shard* home = nullptr;
  std::shared_ptr<pg_connection> connection;
};

// Where a transaction begins whose connection had died without a word.
class pg_beginnings {
 public:
  // On a connection whose server has said that the transaction has begun. Throws unavailable_error and cancelled_error.
  virtual task<pg_place> begin_now(isolation level) = 0;

 protected:
  ~pg_beginnings() = default;
};

class pg_shard final : public pg_owner, public pg_beginnings {
 public:
  pg_shard(settings const& s, shard& home, blocking_pool& helpers, std::vector<pg_handle> first);
  // One of several servers, which may be there or not: opens its connections by itself.
  pg_shard(settings const& s, shard& home, blocking_pool& helpers, pg_detour& detour);

  // Statements that stand alone.
  bool start(operation& op) noexcept;
  // A connection of one's own, first come, first served. Throws unavailable_error and cancelled_error.
  task<std::shared_ptr<pg_connection>> acquire();
  void release(std::shared_ptr<pg_connection> connection);
  task<pg_place> begin_now(isolation level) override;
  task<std::unique_ptr<listener>> listen(std::vector<std::string> channels, std::size_t queue);
  // Nothing is accepted any more; what is in flight fails.
  void close();

  // For one of several servers. It answers again: the connections that are missing are opened now.
  void came_back();
  // Whether a connection for transactions is kept ready: of the primary's alone.
  void keep_one_ready(bool yes) noexcept { keeps_one_ready_ = yes; }
  bool has_pipeline() const noexcept { return !pipelines_.empty(); }
  // Statements that wait for a connection go elsewhere; transactions that do are told to.
  void hand_over();
  // The same, and every connection ends: nothing is written to this server any more.
  void fence(std::string const& why);
  // Whoever began to listen through here goes where `listen_at` says now, on whatever server they are.
  void move_listeners();
  // Connections for LISTEN go from now on where this says.
  void listen_at(std::function<db::settings()> where) { listen_at_ = std::move(where); }

  // Throws unavailable_error when there is no connection.
  void check() const;
  settings const& limits() const noexcept { return settings_; }
  pg_counters const& counters() const noexcept { return counters_; }

  void on_lost(pg_connection& connection, operation_list reads, std::string const& why) override;
  void stop_statement(pg_conn* connection) override;
  bool refused(operation& op, std::string_view state) override;
  void complete_failed(operation& op) noexcept override { parts_.complete_failed(op); }

 private:
  enum class purpose : std::uint8_t { pipeline, transaction };
  struct waiter {
    one_shot done;
    std::shared_ptr<pg_connection> connection;
    std::exception_ptr error;
    std::chrono::steady_clock::time_point give_up, deadline;  // the pool's and the request's
  };

  // When a stranded operation gives up is kept in its `position`.
  static std::uint64_t as_position(std::chrono::steady_clock::time_point t) noexcept {
    return static_cast<std::uint64_t>(t.time_since_epoch().count());
  }

  std::shared_ptr<pg_connection> adopt(pg_handle connection, bool shared);
  void open_one(purpose what);
  task<> connect(purpose what);
  void connected(pg_handle connection, purpose what);
  void offer(std::shared_ptr<pg_connection> connection);
  void replenish();
  static task<> probe(pg_shard& me, std::shared_ptr<pg_connection> connection, bool shared);
  void look_after(std::chrono::steady_clock::time_point now);
  void retire(std::chrono::steady_clock::time_point now);
  void give_up_late(std::chrono::steady_clock::time_point now);
  pg_connection* least_loaded() noexcept;
  void wait_for_pipeline(operation& op);
  void end_connections(std::exception_ptr const& why);
  void end_waiters(std::exception_ptr const& why);
  void tick();

  settings const& settings_;
  shard& home_;
  blocking_pool& helpers_;
  pg_canceller canceller_;
  pg_counters counters_;
  pg_parts parts_{*this};
  std::vector<std::shared_ptr<pg_connection>> pipelines_;
  std::vector<std::shared_ptr<pg_connection>> retiring_;  // pipelines that get nothing new
  std::vector<std::shared_ptr<pg_connection>> idle_;
  std::vector<std::shared_ptr<pg_connection>> busy_;
  std::list<waiter*> waiters_;
  operation_list stranded_;  // until there is a pipeline again
  std::vector<std::weak_ptr<pg_listening>> listeners_;
  unsigned opening_pipelines_ = 0, opening_others_ = 0;
  unsigned failures_ = 0;
  std::chrono::steady_clock::time_point next_attempt_{};
  std::string last_error_;
  std::atomic<bool> closing_{false};  // also asked by connections that wait for their turn to be opened
  pg_detour* detour_ = nullptr;
  bool keeps_one_ready_ = true;
  std::function<db::settings()> listen_at_;
  shard::ticker ticker_;
};

}  // namespace slipway::db::detail
