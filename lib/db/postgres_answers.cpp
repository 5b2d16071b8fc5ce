// Which answer of a connection belongs to whom.
#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_connection.hpp>
#include <slipway/db/postgres_wire.hpp>

#include <utility>

namespace slipway::db::detail {
namespace {

constexpr std::uint8_t repeated = 1, prepared_anew = 2;  // in operation::repeats: why it was done again

bool is_failure(std::unique_ptr<pg_answer> const& answer) noexcept {
  return answer != nullptr && answer->what() == pg_answer::outcome::failed;
}

// Without the NUL at its end.
std::string_view text_of(std::string_view body) noexcept { return body.substr(0, body.find('\0')); }

}  // namespace

void pg_connection::read_answers() {
  pg_message next;
  while (pg_ != nullptr && copying_ == copy_state::none) {
    auto const found = stream_.in.next(next);
    if (found == pg_inbox::found::nothing) return;
    if (found == pg_inbox::found::nonsense) return lost(no_message);
    take(next);
  }
}

void pg_connection::take(pg_message const& message) {
  auto const [type, body] = message;
  switch (type) {
    case '1':          // parsed
    case '2':          // bound
    case 't':          // the types of the parameters
    case 'N':          // a notice
    case 'S':          // a parameter of the session
    case 'A': return;  // a notification, which nobody has asked for here
    case 'E': return take_error(body);
    default: break;
  }
  if (flight_.empty()) return lost(no_message);
  auto const what = flight_.front().what;
  auto const is_its_own = what == kind::sync ? type == 'Z' : what != kind::preparation || type == 'T' || type == 'n';
  if (!is_its_own) return lost(no_message);
  switch (type) {
    [[likely]] case 'D':
      if (incoming_ == nullptr) begin_answer();
      if (!incoming_->add_row(body)) lost(no_message);
      return;
    case 'C': return end_answer(text_of(body));
    case 'I': return end_answer({});  // of a text without a statement
    case 'T':
      if (auto columns = pg_columns::read(body)) return take_columns(std::move(columns));
      return lost(no_message);
    case 'n': return take_columns({});
    case 'Z':
      if (body.size() != 1 || what == kind::statement) return lost(no_message);
      status_ = body[0];
      if (what != kind::sync && incoming_ == nullptr) begin_answer();
      return finish_front();
    case 'G':
    case 'H':
      if (what == kind::copy) return begin_copy(type == 'G' ? copy_state::in : copy_state::out);
      return refuse_copy();
    case 'W': return refuse_copy();
    default: return lost(no_message);
  }
}

// Of a preparation they are what it waits for, and the columns of all its answers.
void pg_connection::take_columns(std::shared_ptr<pg_columns const> columns) {
  auto const& front = flight_.front();
  if (front.what == kind::preparation) {
    front.entry->columns = std::move(columns);
    finish_front();
  } else if (!is_failure(incoming_)) {
    incoming_ = std::make_unique<pg_answer>(std::move(columns));
  }
}

void pg_connection::begin_answer() {
  auto const* entry = flight_.front().entry;
  incoming_ = std::make_unique<pg_answer>(entry != nullptr ? entry->columns : nullptr);
}

void pg_connection::end_answer(std::string_view tag) {
  if (incoming_ == nullptr) begin_answer();
  incoming_->complete(tag);
  if (flight_.front().what == kind::statement) finish_front();  // of the others there may be more
}

// After these the server ends the connection.
void pg_connection::note_goodbye(pg_answer const& failed) {
  auto const severity = failed[pg_answer::field::severity];
  if (severity == "FATAL" || severity == "PANIC") stream_.lose(std::string{failed[pg_answer::field::message]});
}

// What follows in the same Sync is not done, and not answered either.
void pg_connection::take_error(std::string_view body) {
  auto failed = pg_answer::failure(body);
  auto const state = failed->state();
  if (state == "57014") forget_spent_orders();
  note_goodbye(*failed);
  // A dying server says goodbye: that is the end of all that is in flight, not of one statement.
  if (state == "57P01" || state == "57P02" || state == "57P03") return lost(stream_.why());
  if (flight_.empty()) return;
  auto const what = flight_.front().what;
  if (!is_failure(incoming_)) incoming_ = std::move(failed);
  if (what != kind::statement && what != kind::preparation) return;
  finish_front();
  while (pg_ != nullptr && !flight_.empty() && flight_.front().what != kind::sync) {
    incoming_ = pg_answer::left_out();
    finish_front();
  }
}

// The connection waits for data, which is no state to go on from.
void pg_connection::refuse_copy() {
  auto* op = std::exchange(flight_.front().op, nullptr);
  if (op != nullptr) {
    context::drop(*op);
    op->stage = nowhere;
  }
  lost("COPY was sent as a statement");
  if (op != nullptr)
    fail(*op, std::make_exception_ptr(
                  db::error{"PostgreSQL: COPY is no statement of its own here: use copy_in or copy_out"}));
}

inline void pg_connection::leave_front() noexcept {
  flight_.pop();
  ++first_position_;
  front_since_ = home_.coarse_now();
  stop_sent_ = false;
}

void pg_connection::finish_front() {
  auto const s = flight_.front();
  leave_front();
  switch (s.what) {
    case kind::sync: return finish_sync();
    case kind::preparation: return finish_preparation(s);
    case kind::copy:
    case kind::script: in_script_ = false; [[fallthrough]];
    case kind::statement: return finish_statement(s);
  }
}

void pg_connection::finish_sync() {
  --batches_;
  auto* const op = std::exchange(answered_, nullptr);
  // Something failed at the end of the implicit transaction, a deferred constraint or the isolation: nothing of it was
  // kept.
  if (auto const failed = std::move(incoming_)) {
    (void)was_stopped(failed->state());
    if (op != nullptr && !op->error) op->error = error_of(*failed);
  }
  if (op != nullptr) op->error ? owner_.complete_failed(*op) : complete(*op);
}

void pg_connection::finish_statement(slot const& s) {
  auto answer = std::move(incoming_);
  if (s.op == nullptr) {                 // cancelled
    (void)was_stopped(answer->state());  // and hits no neighbour
    return;
  }
  auto& op = *s.op;
  if (answer->what() == pg_answer::outcome::done) [[likely]] {
    op.answer = rows_of(std::move(answer));
    return settle(op, s);
  }
  auto const skipped = answer->what() == pg_answer::outcome::skipped;
  auto const state = skipped ? std::string_view{"skipped"} : answer->state();
  if (repeat(op, s, state)) {
    op.stage = queued;
    return pending_.push(op);
  }
  if (shared_ && op.what->reads && !skipped && refused(op, state)) return;
  std::exception_ptr error;
  if (skipped && not_begun_ != nullptr)
    error = not_begun_;
  else if (skipped)
    error = std::make_exception_ptr(unavailable_error{"PostgreSQL: a statement was not answered"});
  else if (!shared_ && s.entry != nullptr &&
           !s.entry->is_ready)  // the transaction failed with it, and can be repeated as a whole
    error = std::make_exception_ptr(
        conflict_error{"PostgreSQL: a table changed under a prepared statement", std::string{state}});
  else
    error = error_of(*answer);
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

void pg_connection::finish_preparation(slot const& s) {
  auto& entry = *s.entry;
  auto const refusal = std::move(incoming_);
  auto const good = refusal == nullptr;
  auto const state = good ? std::string_view{} : refusal->state();
  auto const skipped = !good && refusal->what() == pg_answer::outcome::skipped;
  auto const error = good      ? std::exception_ptr{}
                     : skipped ? std::make_exception_ptr(unavailable_error{"PostgreSQL: a statement was not prepared"})
                               : error_of(*refusal);
  // For whom it was has left; whoever came since prepares it anew.
  auto const stopped = shared_ && was_stopped(state);
  entry.is_ready = entry.is_sent = good;
  if (!good) entry.name = "s" + std::to_string(next_name_++);  // it may have been prepared and not described
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

}  // namespace slipway::db::detail
