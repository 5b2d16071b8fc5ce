#include <slipway/db/postgres_connection.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>

#include <libpq-fe.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <unistd.h>

#include <utility>

namespace slipway::db::detail {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

// A statement that nobody waits for any more may hold up others for this long.
constexpr std::chrono::milliseconds patience{150};
// After an order to stop the answer comes at once, or what is between us and the server swallows it.
constexpr std::chrono::seconds answer_to_a_stop{3};

}  // namespace

pg_connection::pg_connection(pg_owner& owner, shard& home, pg_handle connection, bool shared,
                             std::chrono::milliseconds statement_timeout)
    : owner_{owner},
      home_{home},
      pg_{connection.get()},
      shared_{shared},
      statement_timeout_{statement_timeout},
      // Of its own, because libpq closes the one it has.
      socket_{home.io(), ::dup(PQsocket(connection.get()))} {
  (void)connection.release();  // not before: the descriptor may be refused
}

pg_connection::~pg_connection() { release_socket(); }

void pg_connection::listen() { wait_readable(); }

bool pg_connection::has_failed() const noexcept { return PQtransactionStatus(pg_) == PQTRANS_INERROR; }
bool pg_connection::in_transaction() const noexcept { return PQtransactionStatus(pg_) != PQTRANS_IDLE; }

void pg_connection::release_socket() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
  PQfinish(std::exchange(pg_, nullptr));
}

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

bool pg_connection::write_out() {
  auto const left = PQflush(pg_);
  if (left == 1) wait_writable();
  return left >= 0;
}

void pg_connection::wait_writable() {
  if (writing_) return;
  writing_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](boost::system::error_code error) {
                       self->writing_ = false;
                       if (error || self->pg_ == nullptr) return;
                       if (!self->write_out()) return self->lost(PQerrorMessage(self->pg_));
                       if (self->step_ != nullptr) self->advance_copy();
                     });
}

void pg_connection::wait_readable() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       if (error || self->pg_ == nullptr) return;
                       if (self->copying_ == copy_state::out && self->step_ == nullptr) {
                         self->paused_ = true;
                         return;
                       }
                       self->on_readable();
                       if (self->pg_ != nullptr) self->wait_readable();
                     });
}

void pg_connection::on_readable() {
  if (PQconsumeInput(pg_) == 0) return lost(PQerrorMessage(pg_));
  reading_ = true;
  if (step_ != nullptr) advance_copy();
  if (pg_ != nullptr) read_answers();
  reading_ = false;
  if (pg_ == nullptr) return;
  if (PQstatus(pg_) == CONNECTION_BAD) return lost(PQerrorMessage(pg_));
  flush();
}

void pg_connection::tick(steady::time_point now) {
  auto const keep = shared_from_this();
  auto const is_late = [now](operation const& op) { return op.of != nullptr && op.of->deadline <= now; };
  // A cancelled coroutine may do anything, so the search begins again after each.
  for (bool again = true; again && pg_ != nullptr;) {
    again = false;
    operation* late = step_ != nullptr && is_late(*step_) ? step_ : nullptr;
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
  if (shared_ && front.what == kind::statement && front.op == nullptr && waited > patience && !stop_sent_) {
    stop_sent_ = true;
    stop_since_ = now;
    ++stops_;
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
    auto& s = flight_[i];
    PQclear(s.result);
    if (s.op != nullptr) sort(*s.op, true);
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
  while (auto* op = broken.pop())
    fail(*op, std::make_exception_ptr(unavailable_error{"PostgreSQL: the connection was lost: " + reason}));
}

void pg_connection::close(std::exception_ptr why) noexcept {
  if (pg_ == nullptr) return;
  auto const keep = shared_from_this();
  operation_list broken;
  auto take = [&broken](operation& op) {
    context::drop(op);  // whoever is told first may cancel the others
    op.stage = nowhere;
    broken.push(op);
  };
  for (std::size_t i = 0; i < flight_.size(); ++i) {
    auto& s = flight_[i];
    PQclear(s.result);
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
  while (auto* op = broken.pop()) {
    op->answer = {};
    fail(*op, why);
  }
}

}  // namespace slipway::db::detail
