#include <slipway/db/postgres_connection.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <new>
#include <utility>

namespace slipway::db::detail {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

// A statement that nobody waits for any more may hold up others for this long.
constexpr std::chrono::milliseconds patience{150};

}  // namespace

pg_connection::pg_connection(pg_owner& owner, shard& home, pg_handle connection, bool shared,
                             std::chrono::milliseconds statement_timeout) noexcept
    : pg_socket{home.sockets()}, owner_{owner}, home_{home}, shared_{shared}, statement_timeout_{statement_timeout} {
  pg_socket::take(std::move(connection));
  stream_.open(pg_);
}

bool pg_connection::has_failed() const noexcept { return flight_.empty() && status_ == 'E'; }
bool pg_connection::in_transaction() const noexcept { return !flight_.empty() || status_ != 'I'; }

void pg_connection::hook(operation& op) {
  op.owner = this;
  if (op.of == nullptr || op.linked()) return;
  op.fire = [](context::hook& h, cancel_reason why) {
    auto& me = static_cast<operation&>(h);
    static_cast<pg_connection*>(me.owner)->cancel(me, why);
  };
  op.of->add(op);
}

void pg_connection::submit(operation& op) {
  hook(op);
  op.stage = queued;
  pending_.push(op);
  schedule();
}

// One turn of the loop later, so that what other requests ask for in this turn goes with it.
void pg_connection::schedule() {
  if (scheduled_ || reading_ || in_script_) return;
  scheduled_ = true;
  asio::post(home_.io(), [self = shared_from_this()] {
    self->scheduled_ = false;
    self->flush();
  });
}

void pg_connection::cancel(operation& op, cancel_reason why) {
  switch (op.stage) {
    case queued: pending_.remove(op); break;
    case preparing:
      entry_of(*op.what).waiting.remove(op);
      // It may be waiting for a lock already, and the end of the transaction would wait behind it.
      if (!shared_) {
        dirty_ = true;
        owner_.stop_statement(pg_);
      }
      break;
    case flying:
      flight_[op.position - first_position_].op = nullptr;
      if (!shared_) {
        dirty_ = true;
        owner_.stop_statement(pg_);
      }
      break;
    case answered: answered_ = nullptr; break;
    case stepping:
      step_ = nullptr;
      dirty_ = true;
      owner_.stop_statement(pg_);
      break;
    default: break;
  }
  op.stage = nowhere;
  fail(op, std::make_exception_ptr(cancelled_error{why}));
}

void pg_connection::ready(std::uint32_t events) noexcept {
  if (pg_ == nullptr) return;
  auto const keep = shared_from_this();
  if (note(events)) {
    write_out();
    if (step_ != nullptr) advance_copy();
    if (pg_ == nullptr) return;
  }
  if (events != poller::writable || stream_.wants_room()) read_all([this] { return read_once(); });
}

bool pg_connection::read_once() {
  if (copying_ == copy_state::out && step_ == nullptr) {
    paused_ = true;
    return false;
  }
  auto came = pg_stream::result::lost;
  reading_ = true;
  try {
    came = stream_.read();
    if (copying_ == copy_state::in) pass_over_notices();
    if (step_ != nullptr) advance_copy();
    if (pg_ != nullptr) read_answers();
  } catch (std::bad_alloc const&) {  // a row may have a gigabyte
    if (pg_ != nullptr) lost("there is no memory for what the server sends");
  }
  reading_ = false;
  if (pg_ == nullptr) return false;
  // What it said before its end was read.
  if (came == pg_stream::result::lost || (came == pg_stream::result::waits && stream_.is_broken())) {
    lost(stream_.why());
    return false;
  }
  if (stream_.wants_room() && !wait_writable()) stream_.give_up("the kernel watches no more sockets");
  flush();
  return pg_ != nullptr && (came == pg_stream::result::done || has_ended() || stream_.is_broken());
}

void pg_connection::tick(steady::time_point now) {
  auto const keep = shared_from_this();
  auto const is_late = [now](operation const& op) { return op.of != nullptr && op.of->deadline <= now; };
  // A cancelled coroutine may do anything, so the search begins again after each.
  for (bool again = true; again && pg_ != nullptr;) {
    again = false;
    operation* late = step_ != nullptr && is_late(*step_) ? step_ : nullptr;
    if (late == nullptr && answered_ != nullptr && is_late(*answered_)) late = answered_;
    for (auto* op = pending_.first(); op != nullptr && late == nullptr; op = op->next_operation)
      if (is_late(*op)) late = op;
    for (std::size_t i = 0; i < flight_.size() && late == nullptr; ++i) {
      auto const& s = flight_[i];
      if (s.op != nullptr && is_late(*s.op)) late = s.op;
      if (s.entry != nullptr && s.what == kind::preparation)
        for (auto* op = s.entry->waiting.first(); op != nullptr && late == nullptr; op = op->next_operation)
          if (is_late(*op)) late = op;
    }
    if (late != nullptr) {
      again = true;
      context::drop(*late);
      cancel(*late, cancel_reason::deadline);
    }
  }
  if (pg_ == nullptr || flight_.empty()) return;
  auto const waited = now - front_since_;
  auto const& front = flight_.front();
  auto const is_left = (front.what == kind::statement && front.op == nullptr) ||
                       (front.what == kind::preparation && front.entry->waiting.empty());
  if (shared_ && is_left && waited > patience && waited + time_of_an_order < statement_timeout_ && !stop_sent_) {
    stop_sent_ = true;
    stop_since_ = now;
    stops_ += hits_of_an_order;
    owner_.stop_statement(pg_);
  }
  if (stop_sent_ && now - stop_since_ > answer_to_a_stop)
    return lost("the server does not even answer an order to stop");
  // These end with their operation's deadline, or with the network's own time-outs.
  auto const may_take_its_time = front.what == kind::script || front.what == kind::copy;
  if (!may_take_its_time && waited > statement_timeout_ + std::chrono::seconds{5}) lost("the server is silent");
}

void pg_connection::lost(std::string const& why) {
  if (pg_ == nullptr) return;
  auto const keep = shared_from_this();
  operation_list broken, again;
  auto sort = [&](operation& op, bool was_sent) {
    context::drop(op);
    op.stage = nowhere;
    if (shared_ && (!was_sent || (op.what->reads && op.repeats == 0))) {
      if (was_sent) ++op.repeats;
      again.push(op);
    } else {
      broken.push(op);
    }
  };
  for (std::size_t i = 0; i < flight_.size(); ++i) {
    auto const& s = flight_[i];
    if (s.op != nullptr) sort(*s.op, s.end <= stream_.out.gone());
    if (s.what == kind::preparation)
      while (auto* op = s.entry->waiting.pop()) sort(*op, false);
  }
  first_position_ += flight_.size();
  flight_.clear();
  batches_ = 0;
  if (auto* op = std::exchange(answered_, nullptr)) sort(*op, true);
  if (auto* op = std::exchange(step_, nullptr)) sort(*op, true);
  while (auto* op = pending_.pop()) sort(*op, false);
  std::string const reason = why;  // it may stand in what is freed now
  release_socket();
  owner_.on_lost(*this, std::move(again), reason);
  // What a transaction had not committed is undone; a change of its own may have been done.
  auto const text = "PostgreSQL: the connection was lost: " + reason;
  fail_all(std::move(broken), shared_ ? std::make_exception_ptr(unknown_outcome_error{text})
                                      : std::make_exception_ptr(unavailable_error{text}));
}

// All but the first statement of a transaction that has not begun, which is done again. Of several that were sent at
// once, none is.
void pg_connection::fail_all(operation_list broken, std::exception_ptr const& why) noexcept {
  if (auto* first = broken.first(); first != nullptr && first->joins_next) {
    auto& opening = static_cast<pg_opening&>(*broken.pop());
    if (broken.size() == 1) return opening.begin_again(*broken.pop());
  }
  while (auto* op = broken.pop()) fail(*op, why);
}

void pg_connection::close(std::exception_ptr why) noexcept {
  if (pg_ == nullptr) return;
  auto const keep = shared_from_this();
  operation_list broken;
  auto take = [&broken](operation& op) {
    context::drop(op);  // whoever is told first may cancel the others
    op.stage = nowhere;
    op.answer = {};
    broken.push(op);
  };
  for (std::size_t i = 0; i < flight_.size(); ++i) {
    auto const& s = flight_[i];
    if (s.op != nullptr) take(*s.op);
    if (s.what == kind::preparation)
      while (auto* op = s.entry->waiting.pop()) take(*op);
  }
  first_position_ += flight_.size();
  flight_.clear();
  batches_ = 0;
  if (auto* op = std::exchange(answered_, nullptr)) take(*op);
  if (auto* op = std::exchange(step_, nullptr)) take(*op);
  while (auto* op = pending_.pop()) take(*op);
  release_socket();
  fail_all(std::move(broken), why);
}

}  // namespace slipway::db::detail
