// One PostgreSQL connection on its shard's loop, as a pipeline: statements are sent without waiting for the ones
// before, and answers are matched to them in order.
//
// What shares a Sync is one implicit transaction. So reads of one turn of the loop share one, which saves the server
// work, and everything that changes something has a Sync of its own. A read that was skipped because a neighbour in
// its Sync failed is done again by itself.
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/db/operation_list.hpp>
#include <slipway/db/postgres_socket.hpp>
#include <slipway/db/postgres_stream.hpp>
#include <slipway/db/ring.hpp>
#include <slipway/runtime/shard.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

struct pg_conn;  // libpq's PGconn

namespace slipway::db::detail {

class pg_connection;

// Whoever owns connections hears of their end.
class pg_owner {
 public:
  // `reads` changed nothing and may be done again elsewhere.
  virtual void on_lost(pg_connection& connection, operation_list reads, std::string const& why) = 0;
  // Asks the server to stop what runs on the connection. Another connection does that, so it takes a while.
  virtual void stop_statement(pg_conn* connection) = 0;
  // A statement that only reads got an error with this SQLSTATE. True: another server is asked instead.
  virtual bool refused(operation&, std::string_view) { return false; }
  // An operation that no connection knows any more has failed: completes it, now or when more is known of the error.
  virtual void complete_failed(operation& op) noexcept { complete(op); }

 protected:
  ~pg_owner() = default;
};

// One step of a COPY on its way.
struct copy_step : operation {
  enum class kind : std::uint8_t { read, write, finish };
  kind does = kind::read;
  std::string piece;      // what was read; empty: the end
  std::string_view data;  // to write
  bool is_sent = false;
};

// What opens a transaction: it travels with the transaction's first statement, and nobody waits for it.
struct pg_opening : operation {
  // The connection was lost and the server had not said that the transaction has begun. So nothing of it stays done,
  // and whoever sent the statement does it again elsewhere, or fails it.
  virtual void begin_again(operation& first) noexcept = 0;

 protected:
  ~pg_opening() = default;
};

class pg_connection final : public std::enable_shared_from_this<pg_connection>, public pg_socket {
 public:
  // Takes the connection, which is open and idle. `shared`: of many requests; else of one
  // transaction after the other.
  pg_connection(pg_owner& owner, shard& home, pg_handle connection, bool shared,
                std::chrono::milliseconds statement_timeout) noexcept;

  // Throws as `watch` does.
  void listen() { watch(); }
  // The operation is known here until it is over.
  void submit(operation& op);
  // Several statements in one text, outside the pipeline. Only while nothing is in flight.
  void submit_script(operation& op);
  // The same for a COPY: the operation is over when data can flow, or when the server said no. What the text was is
  // told by `copying`.
  void submit_copy(operation& op);
  enum class copy_state : std::uint8_t { none, in, out };
  copy_state copying() const noexcept { return copying_; }
  // False: it is over already.
  bool submit_step(copy_step& step);
  // Every 100 ms: deadlines, statements that nobody waits for any more, a server that is silent.
  void tick(std::chrono::steady_clock::time_point now);
  // Ends the connection; what is in flight fails. The owner is not told.
  void close(std::exception_ptr why) noexcept;

  // Something was cancelled in the middle: what the server is doing is not known.
  bool is_dirty() const noexcept { return dirty_; }
  // Nothing good can come from it any more.
  void soil() noexcept { dirty_ = true; }
  // In a transaction that can only be rolled back.
  bool has_failed() const noexcept;
  std::string timeout_text() const { return std::to_string(statement_timeout_.count()); }
  bool is_idle() const noexcept { return flight_.empty() && pending_.empty(); }
  bool in_transaction() const noexcept;
  std::size_t load() const noexcept { return pending_.size() + flight_.size(); }

  // For the owner: when it was last used or looked at, and when it is old enough to be replaced.
  std::chrono::steady_clock::time_point used_at{}, retire_at{};

 private:
  struct prepared {
    std::string name;
    bool is_ready = false;
    bool is_sent = false;
    bool has_lasting_columns = false;           // else each answer tells its own
    std::shared_ptr<pg_columns const> columns;  // null: it has no rows
    operation_list waiting;                     // for the server's word that the statement is there
  };
  // So long an order to stop takes at most where all is well. When the server's own time-out comes first anyway, none is
  // given: it would hit a neighbour, and the two could not be told apart.
  static constexpr std::chrono::milliseconds time_of_an_order{500};
  // The server signals the backend and then its process group, to which the backend belongs: on a busy machine the second
  // signal may come when the first has done its work, and stop whoever comes next.
  static constexpr unsigned hits_of_an_order = 2;
  // After an order to stop the answer comes at once, or what is between us and the server swallows it.
  static constexpr std::chrono::seconds answer_to_a_stop{3};
  // Where an operation is, for its cancellation.
  enum stage : std::uint8_t { nowhere, queued, preparing, flying, answered, stepping };
  enum class kind : std::uint8_t { statement, preparation, sync, script, copy };
  struct slot {
    kind what = kind::sync;
    operation* op = nullptr;
    prepared* entry = nullptr;
    std::uint64_t end = 0;  // where it ends in what is sent
  };

  // postgres_pipeline.cpp: what is sent.
  prepared& entry_of(statement const& what);
  void forget_prepared(statement const& what);
  void flush();
  void send(operation& op, bool& batch_is_open);
  void send_preparation(statement const& what, prepared& entry);
  void send_text(operation& op, kind what);
  void fly(slot s);
  void sync();
  void write_out();

  // postgres_answers.cpp: which answer belongs to whom.
  void read_answers();
  void take(pg_message const& message);
  void take_columns(std::shared_ptr<pg_columns const> columns);
  void take_error(std::string_view body);
  void note_goodbye(pg_answer const& failed);
  void begin_answer();
  void end_answer(std::string_view tag);
  void leave_front() noexcept;
  void finish_front();
  void refuse_copy();
  void finish_sync();
  void finish_statement(slot const& s);
  void finish_preparation(slot const& s);
  void settle(operation& op, slot const& s);
  bool waits_for_sync(operation const& op, slot const& s) const noexcept;
  bool repeat(operation& op, slot const& s, std::string_view state);
  bool was_stopped(std::string_view state) noexcept;
  void forget_spent_orders() noexcept;
  bool refused(operation& op, std::string_view state);

  // postgres_copy.cpp
  void begin_copy(copy_state state);
  enum class progress : std::uint8_t { done, waits };
  progress advance(copy_step& step);
  progress read_piece(copy_step& step);
  progress give_up(std::string why);
  void advance_copy();
  void pass_over_notices();
  void end_copy(copy_step& step);

  // postgres_connection.cpp: the loop, the clock, the end.
  void hook(operation& op);
  void cancel(operation& op, cancel_reason why);
  void schedule();
  void ready(std::uint32_t events) noexcept override;
  bool read_once();
  void lost(std::string const& why);
  static void fail_all(operation_list broken, std::exception_ptr const& why) noexcept;

  pg_owner& owner_;
  shard& home_;
  bool const shared_;
  std::chrono::milliseconds const statement_timeout_;
  operation_list pending_;
  ring<slot> flight_;
  operation* answered_ = nullptr;     // waits for its Sync
  std::uint64_t first_position_ = 0;  // of flight_'s front
  std::chrono::steady_clock::time_point front_since_{};
  bool stop_sent_ = false;  // for the front
  std::chrono::steady_clock::time_point stop_since_{};
  unsigned stops_ = 0;  // signals that may still hit a neighbour
  copy_state copying_ = copy_state::none;
  copy_step* step_ = nullptr;
  bool drained_ = false;          // the end was read with the last piece
  bool paused_ = false;           // nobody wants what comes out, so it is left where it is
  std::exception_ptr not_begun_;  // the server refused to begin the transaction: nothing more is sent
  unsigned batches_ = 0;          // in flight
  bool scheduled_ = false, reading_ = false, dirty_ = false, in_script_ = false;
  unsigned next_name_ = 1;
  std::vector<std::unique_ptr<prepared>> by_number_;
  pg_stream stream_;
  char status_ = 'I';                    // of its transaction, as the server says at each Sync: idle, in one, failed
  std::unique_ptr<pg_answer> incoming_;  // the front's, as far as it is here
};

}  // namespace slipway::db::detail
