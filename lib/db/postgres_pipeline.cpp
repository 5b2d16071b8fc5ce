// What goes into a connection's pipeline, and which answer belongs to whom.
#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_connection.hpp>

#include <libpq-fe.h>

#include <boost/asio/io_context.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace slipway::db::detail {
namespace {
constexpr unsigned most_batches = 2;                     // one that is worked on, and the next
constexpr std::uint8_t repeated = 1, prepared_anew = 2;  // in operation::repeats: why it was done again
}  // namespace

pg_connection::prepared& pg_connection::entry_of(statement const& what) {
  if (what.id < by_number_.size() && by_number_[what.id] != nullptr) [[likely]]
    return *by_number_[what.id];
  if (by_number_.size() <= what.id) by_number_.resize(what.id + 16);
  auto& entry = by_number_[what.id];
  entry = std::make_unique<prepared>();
  entry->name = "s" + std::to_string(next_name_++);
  return *entry;
}

// The next use prepares it anew, under another name.
void pg_connection::forget_prepared(statement const& what) {
  if (what.id == 0) return;
  auto& entry = entry_of(what);
  if (!entry.is_ready) return;
  entry.is_ready = entry.is_sent = false;
  entry.name = "s" + std::to_string(next_name_++);
}

bool pg_connection::send_preparation(statement const& what, prepared& entry) {
  std::vector<Oid> types;
  for (auto kind : what.signature) types.push_back(type_of(kind));
  if (PQsendPrepare(pg_, entry.name.c_str(), what.sql.c_str(), static_cast<int>(types.size()), types.data()) == 0)
    return false;
  entry.is_sent = true;
  if (flight_.empty()) front_since_ = home_.coarse_now();
  flight_.push({.what = kind::preparation, .entry = &entry});
  return sync();
}

bool pg_connection::sync() {
  if (!pending_.empty()) hold_back();
  if (PQpipelineSync(pg_) == 0) return false;
  flight_.push({.what = kind::sync});
  ++batches_;
  return true;
}

// libpq sends at every Sync. Changes have one each, and those that go in the same turn need not go in packets of their
// own, for each of which the server would be woken: the kernel keeps them together until `let_go`.
void pg_connection::hold_back() noexcept {
  if (held_back_ || !can_hold_back_) return;
  int const on = 1;
  held_back_ = ::setsockopt(PQsocket(pg_), IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0;
  can_hold_back_ = held_back_;  // a Unix socket cannot
}

void pg_connection::let_go() noexcept {
  if (!std::exchange(held_back_, false) || pg_ == nullptr) return;
  int const off = 0;
  ::setsockopt(PQsocket(pg_), IPPROTO_TCP, TCP_CORK, &off, sizeof off);
}

// False: the connection is lost. What was not sent then is among the pending, so that somebody knows it.
bool pg_connection::send(operation& op, bool& batch_is_open) {
  auto const& what = *op.what;
  if (not_begun_ != nullptr) [[unlikely]] {  // it would be done outside a transaction
    op.stage = nowhere;
    fail(op, not_begun_);
    return true;
  }
  prepared* entry = nullptr;
  if (what.id != 0) {
    entry = &entry_of(what);
    if (!entry->is_ready) {
      auto const good = (!batch_is_open || sync()) && (entry->is_sent || send_preparation(what, *entry));
      batch_is_open = false;
      if (!good) {
        pending_.push(op);
        return false;
      }
      op.stage = preparing;
      entry->waiting.push(op);
      return true;
    }
  }
  auto const alone = shared_ ? !what.reads || op.repeats != 0 : !op.joins_next;
  if (alone && batch_is_open && shared_) {
    batch_is_open = false;
    if (!sync()) {
      pending_.push(op);
      return false;
    }
  }
  try {
    parameters_.encode(*op.parameters, entry == nullptr);
  } catch (...) {
    op.stage = nowhere;
    fail(op, std::current_exception());
    return true;
  }
  auto const sent = entry != nullptr
                        ? PQsendQueryPrepared(pg_, entry->name.c_str(), parameters_.count(), parameters_.data(),
                                              parameters_.lengths(), parameters_.formats(), 1)
                        : PQsendQueryParams(pg_, what.sql.c_str(), parameters_.count(), parameters_.types(),
                                            parameters_.data(), parameters_.lengths(), parameters_.formats(), 1);
  if (flight_.empty()) front_since_ = home_.coarse_now();
  op.stage = flying;
  op.position = first_position_ + flight_.size();
  flight_.push({.what = kind::statement, .alone = alone, .op = &op, .entry = entry});
  if (sent == 0) return false;
  batch_is_open = !alone;
  return !alone || sync();
}

void pg_connection::flush() {
  if (pg_ == nullptr || in_script_ || pending_.empty()) return;
  // The server has enough to do: what is asked for until it answers goes with the next batch, in fewer packets.
  if (shared_ && batches_ >= most_batches) return;
  auto const keep = shared_from_this();
  bool batch_is_open = false, good = true;
  while (good && pg_ != nullptr) {
    auto* op = pending_.pop();
    if (op == nullptr) break;
    good = send(*op, batch_is_open);
  }
  if (pg_ == nullptr) return;
  if (good && batch_is_open) good = sync();
  good = good && write_out();
  let_go();
  if (!good) lost(PQerrorMessage(pg_));
}

inline void pg_connection::leave_front() noexcept {
  flight_.pop();
  ++first_position_;
  front_since_ = home_.coarse_now();
  stop_sent_ = false;
}

void pg_connection::read_answers() {
  while (pg_ != nullptr && !flight_.empty() && copying_ == copy_state::none && PQisBusy(pg_) == 0) {
    auto* result = PQgetResult(pg_);
    auto& front = flight_.front();
    if (front.what == kind::statement && PQresultStatus(result) == PGRES_TUPLES_OK && front.op != nullptr && shared_ &&
        front.op->what->reads) [[likely]] {
      // The everyday case, all in one place: the rest of this function is for the others.
      if (auto* more = PQgetResult(pg_)) {
        front.result = result;
        if (!take_result(more)) return;
        continue;
      }
      auto& op = *front.op;
      leave_front();
      op.answer = rows_of(result);
      op.stage = nowhere;
      complete(op);
      continue;
    }
    if (front.what == kind::sync) {
      if (result == nullptr && front.result == nullptr) return;
      if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        // Something failed at the end of the implicit transaction: a deferred constraint, the isolation. After the error
        // come a null and the Sync's own answer.
        if (result != nullptr && !take_result(result)) return;
        continue;
      }
      PQclear(result);
    } else if (result != nullptr) {
      if (!take_result(result)) return;
      if (in_script_) continue;  // there may be more
      // Of a statement there is one, and the null that ends it is at hand: it needs no look at the socket.
      if (auto* more = PQgetResult(pg_)) {
        if (!take_result(more)) return;
        continue;
      }
    }
    auto s = front;
    leave_front();
    finish(s);
  }
}

// Of several, an error is what counts. False: the connection is lost.
bool pg_connection::take_result(PGresult* result) {
  auto& kept = flight_.front().result;
  if (kept == nullptr || PQresultStatus(kept) != PGRES_FATAL_ERROR) std::swap(kept, result);
  PQclear(result);
  switch (PQresultStatus(kept)) {
    [[likely]] case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK: return true;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
      if (flight_.front().what == kind::copy)
        return begin_copy(PQresultStatus(kept) == PGRES_COPY_IN ? copy_state::in : copy_state::out);
      [[fallthrough]];
    case PGRES_COPY_BOTH: return refuse_copy();
    case PGRES_FATAL_ERROR: {
      // A dying server says goodbye: that is the end of all that is in flight, not of one statement.
      auto const state = state_of(kept);
      if (state == "57014") forget_spent_orders();
      if (state != "57P01" && state != "57P02" && state != "57P03") return true;
      lost(PQresultErrorMessage(kept));
      return false;
    }
    default: return true;
  }
}

// The connection waits for data, and libpq has no way out of that within a pipeline.
bool pg_connection::refuse_copy() {
  auto* op = std::exchange(flight_.front().op, nullptr);
  if (op != nullptr) {
    context::drop(*op);
    op->stage = nowhere;
  }
  lost("COPY was sent as a statement");
  if (op != nullptr)
    fail(*op, std::make_exception_ptr(
                  db::error{"PostgreSQL: COPY is no statement of its own here: use copy_in or copy_out"}));
  return false;
}

void pg_connection::finish(slot& s) {
  switch (s.what) {
    case kind::sync: {
      --batches_;
      auto* const op = std::exchange(answered_, nullptr);
      if (s.result != nullptr) {  // nothing of it was kept
        (void)was_stopped(state_of(s.result));
        if (op != nullptr && !op->error) op->error = error_of(s.result);
        PQclear(s.result);
      }
      if (op != nullptr) op->error ? owner_.complete_failed(*op) : complete(*op);
      return;
    }
    case kind::preparation: return finish_preparation(s);
    case kind::copy:
    case kind::script:
      in_script_ = false;
      if (pg_ != nullptr && PQenterPipelineMode(pg_) == 0) dirty_ = true;
      [[fallthrough]];
    case kind::statement: return finish_statement(s);
  }
}

void pg_connection::finish_statement(slot& s) {
  auto const status = PQresultStatus(s.result);
  auto const good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
  if (s.op == nullptr) {                    // cancelled
    (void)was_stopped(state_of(s.result));  // and hits no neighbour
    PQclear(s.result);
    return;
  }
  auto& op = *s.op;
  if (good) [[likely]] {
    op.answer = rows_of(s.result);
    return settle(op, s);
  }
  auto const skipped = status == PGRES_PIPELINE_ABORTED;
  if (repeat(op, s, skipped ? "skipped" : state_of(s.result))) {
    PQclear(s.result);
    op.stage = queued;
    pending_.push(op);
    return;
  }
  if (shared_ && op.what->reads && !skipped && refused(op, state_of(s.result))) {
    PQclear(s.result);
    return;
  }
  std::exception_ptr error;
  if (skipped && not_begun_ != nullptr)
    error = not_begun_;
  else if (skipped || s.result == nullptr)
    error = std::make_exception_ptr(unavailable_error{"PostgreSQL: a statement was not answered"});
  else if (!shared_ && s.entry != nullptr &&
           !s.entry->is_ready)  // the transaction failed with it, and can be repeated as a whole
    error = std::make_exception_ptr(
        conflict_error{"PostgreSQL: a table changed under a prepared statement", std::string{state_of(s.result)}});
  else
    error = error_of(s.result);
  PQclear(s.result);
  if (op.joins_next) {
    not_begun_ = error;
    dirty_ = true;
  }
  op.error = std::move(error);
  if (waits_for_sync(op, s)) return settle(op, s);
  op.stage = nowhere;
  owner_.complete_failed(op);
}

// By the server; another one may know more.
bool pg_connection::refused(operation& op, std::string_view state) {
  context::drop(op);  // nothing runs in between, so nobody misses it
  op.stage = nowhere;
  return owner_.refused(op, state);
}

// In a transaction the caller goes on when the server has said that it is ready for more, which it does at the Sync:
// only then is it known whether the connection is still in a transaction. So does whoever changes something outside of
// one: the server commits at the Sync, and may refuse to.
bool pg_connection::waits_for_sync(operation const& op, slot const& s) const noexcept {
  return s.what == kind::statement && !op.joins_next && (!shared_ || !op.what->reads);
}

void pg_connection::settle(operation& op, slot const& s) {
  if (waits_for_sync(op, s)) {
    op.stage = answered;
    answered_ = &op;
    return;
  }
  op.stage = nowhere;
  complete(op);
}

// Whether the statement is to be done once more, by itself: it was skipped, hit by the order to stop its neighbour,
// or its preparation is out of date. In each case the server has undone it.
bool pg_connection::repeat(operation& op, slot const& s, std::string_view state) {
  auto const stale = state == "26000" || (state == "0A000" && s.entry != nullptr);
  if (stale) forget_prepared(*op.what);
  if (!shared_) return false;
  if (was_stopped(state)) {  // as often as there are signals
    op.repeats |= repeated;
    return true;
  }
  if (!stale && state != "skipped") return false;
  // Each once: the statement whose neighbour was out of date may be so itself.
  auto const why = stale ? prepared_anew : repeated;
  if ((op.repeats & why) != 0) return false;
  op.repeats |= why;
  return true;
}

// By an order of ours.
bool pg_connection::was_stopped(std::string_view state) noexcept {
  if (state != "57014" || stops_ == 0) return false;
  --stops_;
  return true;
}

// An order may come when its statement is over, and hit nothing. It must not be taken for what ends a later statement: the
// server's own time-out, or somebody else's order.
void pg_connection::forget_spent_orders() noexcept {
  auto const now = std::chrono::steady_clock::now();
  auto const is_time_out = now - front_since_ + time_of_an_order >= statement_timeout_;
  if (is_time_out || now - stop_since_ > answer_to_a_stop) stops_ = 0;
}

void pg_connection::finish_preparation(slot& s) {
  auto& entry = *s.entry;
  auto const good = PQresultStatus(s.result) == PGRES_COMMAND_OK;
  auto const error = good ? std::exception_ptr{}
                     : s.result != nullptr
                         ? error_of(s.result)
                         : std::make_exception_ptr(unavailable_error{"PostgreSQL: a statement was not prepared"});
  std::string const state{good || s.result == nullptr ? std::string_view{} : state_of(s.result)};
  PQclear(s.result);
  // For whom it was has left; whoever came since prepares it anew.
  auto const stopped = shared_ && was_stopped(state);
  entry.is_ready = good;
  entry.is_sent = good;
  operation_list waiting;
  std::swap(waiting, entry.waiting);
  if (!good && !stopped)  // whoever is told first may cancel the others
    for (auto* op = waiting.first(); op != nullptr; op = op->next_operation) {
      context::drop(*op);
      op->stage = nowhere;
    }
  while (auto* op = waiting.pop()) {
    if (good || stopped) {
      op->stage = queued;
      pending_.push(*op);
    } else if (!(shared_ && op->what->reads && refused(*op, state))) {
      op->stage = nowhere;
      fail(*op, error);
    }
  }
}

void pg_connection::submit_script(operation& op) { send_text(op, kind::script); }
void pg_connection::submit_copy(operation& op) { send_text(op, kind::copy); }

bool pg_connection::send_text(operation& op, kind what) {
  hook(op);
  if (!flight_.empty() || PQexitPipelineMode(pg_) == 0 || PQsendQuery(pg_, op.what->sql.c_str()) == 0) {
    dirty_ = true;
    fail(op, std::make_exception_ptr(
                 unavailable_error{std::string{"PostgreSQL: the text cannot be sent: "} + PQerrorMessage(pg_)}));
    return false;
  }
  in_script_ = true;
  front_since_ = home_.coarse_now();
  op.stage = flying;
  op.position = first_position_;
  flight_.push({.what = what, .op = &op});
  if (!write_out()) lost(PQerrorMessage(pg_));
  return true;
}

}  // namespace slipway::db::detail
