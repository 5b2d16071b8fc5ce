#include <slipway/db/postgres_connection.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <unistd.h>

#include <utility>

namespace slipway::db::detail {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

// Where an operation is, for its cancellation.
enum stage : std::uint8_t { nowhere, queued, preparing, flying, answered };

// A statement that nobody waits for any more may hold up others for this long.
constexpr std::chrono::milliseconds patience{150};

}  // namespace

void operation_list::push(operation& op) noexcept {
  op.next_operation = nullptr;
  (last_ != nullptr ? last_->next_operation : first_) = &op;
  last_ = &op;
  ++size_;
}

operation* operation_list::pop() noexcept {
  auto* op = first_;
  if (op == nullptr) return nullptr;
  first_ = op->next_operation;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return op;
}

bool operation_list::remove(operation& op) noexcept {
  operation* previous = nullptr;
  for (auto* each = first_; each != nullptr; previous = each, each = each->next_operation) {
    if (each != &op) continue;
    (previous != nullptr ? previous->next_operation : first_) = op.next_operation;
    if (last_ == &op) last_ = previous;
    --size_;
    return true;
  }
  return false;
}

void complete(operation& op) noexcept {
  context::drop(op);
  op.waiting.resume();
}

void fail(operation& op, std::exception_ptr error) noexcept {
  op.error = std::move(error);
  complete(op);
}

pg_connection::pg_connection(pg_owner& owner, shard& home, PGconn* connection, bool shared,
                             std::chrono::milliseconds statement_timeout)
    : owner_{owner},
      home_{home},
      pg_{connection},
      shared_{shared},
      statement_timeout_{statement_timeout},
      // Of its own, because libpq closes the one it has.
      socket_{home.io(), ::dup(PQsocket(connection))} {}

pg_connection::~pg_connection() { release_socket(); }

void pg_connection::listen() { wait_readable(); }

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
    case preparing: entry_of(*op.what).waiting.remove(op); break;
    case flying:
      flight_[op.position - first_position_].op = nullptr;
      if (!shared_) {
        dirty_ = true;
        owner_.stop_statement(pg_);
      }
      break;
    case answered: answered_ = nullptr; break;
    default: break;
  }
  op.stage = nowhere;
  fail(op, std::make_exception_ptr(cancelled_error{why}));
}

pg_connection::prepared& pg_connection::entry_of(statement const& what) {
  if (by_number_.size() <= what.id) by_number_.resize(what.id + 16);
  auto& entry = by_number_[what.id];
  if (!entry) {
    entry = std::make_unique<prepared>();
    entry->name = "s" + std::to_string(next_name_++);
  }
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
  flight_.push_back({.what = kind::preparation, .entry = &entry});
  return sync();
}

bool pg_connection::sync() {
  if (PQpipelineSync(pg_) == 0) return false;
  flight_.push_back({.what = kind::sync});
  return true;
}

// False: the connection is lost.
bool pg_connection::send(operation& op, bool& batch_is_open) {
  auto const& what = *op.what;
  prepared* entry = nullptr;
  if (what.id != 0) {
    entry = &entry_of(what);
    if (!entry->is_ready) {
      if (batch_is_open && !sync()) return false;
      batch_is_open = false;
      op.stage = preparing;
      entry->waiting.push(op);
      return entry->is_sent || send_preparation(what, *entry);
    }
  }
  auto const alone = !shared_ || !what.reads || op.repeats != 0;
  if (alone && batch_is_open) {
    batch_is_open = false;
    if (!sync()) return false;
  }
  try {
    parameters_.encode(*op.parameters);
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
  flight_.push_back({.what = kind::statement, .alone = alone, .op = &op, .entry = entry});
  if (sent == 0) return false;
  batch_is_open = !alone;
  return !alone || sync();
}

void pg_connection::flush() {
  if (pg_ == nullptr || in_script_ || pending_.empty()) return;
  auto const keep = shared_from_this();
  bool batch_is_open = false, good = true;
  while (good && pg_ != nullptr) {
    auto* op = pending_.pop();
    if (op == nullptr) break;
    good = send(*op, batch_is_open);
  }
  if (pg_ == nullptr) return;
  if (good && batch_is_open) good = sync();
  if (!good || !write_out()) lost(PQerrorMessage(pg_));
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
                       if (!self->write_out()) self->lost(PQerrorMessage(self->pg_));
                     });
}

void pg_connection::wait_readable() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       if (error || self->pg_ == nullptr) return;
                       self->on_readable();
                       if (self->pg_ != nullptr) self->wait_readable();
                     });
}

void pg_connection::on_readable() {
  if (PQconsumeInput(pg_) == 0) return lost(PQerrorMessage(pg_));
  reading_ = true;
  read_answers();
  reading_ = false;
  if (pg_ == nullptr) return;
  if (PQstatus(pg_) == CONNECTION_BAD) return lost(PQerrorMessage(pg_));
  flush();
}

void pg_connection::read_answers() {
  while (pg_ != nullptr && !flight_.empty() && PQisBusy(pg_) == 0) {
    auto* result = PQgetResult(pg_);
    auto& front = flight_.front();
    if (result != nullptr && front.what != kind::sync && PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
      // Of several, an error is what counts.
      if (front.result == nullptr || PQresultStatus(front.result) != PGRES_FATAL_ERROR) std::swap(front.result, result);
      PQclear(result);
      if (PQresultStatus(front.result) != PGRES_FATAL_ERROR) [[likely]]
        continue;
      // A dying server says goodbye: that is the end of all that is in flight, not of one statement.
      auto const state = state_of(front.result);
      if (state == "57P01" || state == "57P02" || state == "57P03") return lost(PQresultErrorMessage(front.result));
      continue;
    }
    if (result == nullptr && front.what == kind::sync) return;
    PQclear(result);
    auto s = front;
    flight_.pop_front();
    ++first_position_;
    front_since_ = home_.coarse_now();
    stop_sent_ = false;
    finish(s);
  }
}

void pg_connection::finish(slot s) {
  switch (s.what) {
    case kind::sync:
      if (auto* op = std::exchange(answered_, nullptr)) complete(*op);
      return;
    case kind::preparation: return finish_preparation(s);
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
  if (s.op == nullptr) {  // cancelled
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
  std::exception_ptr error;
  if (skipped || s.result == nullptr)
    error = std::make_exception_ptr(unavailable_error{"PostgreSQL: a statement was not answered"});
  else if (status != PGRES_FATAL_ERROR)
    error = std::make_exception_ptr(db::error{"PostgreSQL: COPY is not supported here"});
  else if (!shared_ && s.entry != nullptr &&
           !s.entry->is_ready)  // the transaction failed with it, and can be repeated as a whole
    error = std::make_exception_ptr(
        conflict_error{"PostgreSQL: a table changed under a prepared statement", std::string{state_of(s.result)}});
  else
    error = error_of(s.result);
  PQclear(s.result);
  op.error = std::move(error);
  settle(op, s);
}

// In a transaction the caller goes on when the server has said that it is ready for more, which it does at the Sync:
// only then is it known whether the connection is still in a transaction.
void pg_connection::settle(operation& op, slot const& s) {
  if (!shared_ && s.what == kind::statement) {
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
  auto const stopped = state == "57014" && stops_ > 0;
  if (stopped) --stops_;
  if (op.repeats != 0 || !(stale || stopped || state == "skipped")) return false;
  ++op.repeats;
  return true;
}

void pg_connection::finish_preparation(slot& s) {
  auto& entry = *s.entry;
  auto const good = PQresultStatus(s.result) == PGRES_COMMAND_OK;
  auto const error = good ? std::exception_ptr{}
                     : s.result != nullptr
                         ? error_of(s.result)
                         : std::make_exception_ptr(unavailable_error{"PostgreSQL: a statement was not prepared"});
  PQclear(s.result);
  entry.is_ready = good;
  entry.is_sent = good;
  operation_list waiting;
  std::swap(waiting, entry.waiting);
  while (auto* op = waiting.pop()) {
    if (good) {
      op->stage = queued;
      pending_.push(*op);
    } else {
      op->stage = nowhere;
      fail(*op, error);
    }
  }
}

void pg_connection::submit_script(operation& op) {
  hook(op);
  if (!flight_.empty() || PQexitPipelineMode(pg_) == 0 || PQsendQuery(pg_, op.what->sql.c_str()) == 0) {
    dirty_ = true;
    return fail(op, std::make_exception_ptr(unavailable_error{std::string{"PostgreSQL: the script cannot be sent: "} +
                                                              PQerrorMessage(pg_)}));
  }
  in_script_ = true;
  front_since_ = home_.coarse_now();
  op.stage = flying;
  op.position = first_position_;
  flight_.push_back({.what = kind::script, .op = &op});
  if (!write_out()) lost(PQerrorMessage(pg_));
}

void pg_connection::tick(steady::time_point now) {
  auto const keep = shared_from_this();
  auto const is_late = [now](operation const& op) { return op.of != nullptr && op.of->deadline <= now; };
  // A cancelled coroutine may do anything, so the search begins again after each.
  for (bool again = true; again && pg_ != nullptr;) {
    again = false;
    operation* late = nullptr;
    for (auto* op = pending_.first(); op != nullptr && late == nullptr; op = op->next_operation)
      if (is_late(*op)) late = op;
    for (auto const& s : flight_) {
      if (late != nullptr) break;
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
    ++stops_;
    owner_.stop_statement(pg_);
  }
  if (front.what != kind::script && waited > statement_timeout_ + std::chrono::seconds{5}) lost("the server is silent");
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
  for (auto& s : flight_) {
    PQclear(s.result);
    if (s.op != nullptr) sort(*s.op, true);
    if (s.what == kind::preparation)
      while (auto* op = s.entry->waiting.pop()) sort(*op, false);
  }
  first_position_ += flight_.size();
  flight_.clear();
  if (auto* op = std::exchange(answered_, nullptr)) sort(*op, true);
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
  for (auto& s : flight_) {
    PQclear(s.result);
    if (s.op != nullptr) broken.push(*s.op);
    if (s.what == kind::preparation)
      while (auto* op = s.entry->waiting.pop()) broken.push(*op);
  }
  first_position_ += flight_.size();
  flight_.clear();
  if (auto* op = std::exchange(answered_, nullptr)) broken.push(*op);
  while (auto* op = pending_.pop()) broken.push(*op);
  release_socket();
  while (auto* op = broken.pop()) {
    op->answer = {};
    fail(*op, why);
  }
}

}  // namespace slipway::db::detail
