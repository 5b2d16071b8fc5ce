#include <slipway/db/jitter.hpp>
#include <slipway/db/mysql_pool.hpp>

#include <slipway/core/random.hpp>

#include <algorithm>

namespace slipway::db::detail {

using steady = std::chrono::steady_clock;

namespace {

constexpr unsigned deadlock_attempts = 5;

bool is_conflict(std::exception_ptr const& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (conflict_error const& e) {
    return e.code() == "1213";
  } catch (...) {
    return false;
  }
}

}  // namespace

my_pool::my_pool(my_target& target, shard& home)
    : target_{target}, settings_{target.settings}, home_{home}, ticker_{home.on_tick([this] { tick(); })} {}

void my_pool::one_less() noexcept {
  if (--working_ == 0 && quiet_ != nullptr) quiet_->fire();
}

unavailable_error my_pool::none_free(std::size_t waiting) const {
  return unavailable_error{"MySQL: " + std::to_string(waiting) + " statements and transactions are waiting already" +
                           (last_error_.empty() ? "" : " (" + last_error_ + ")")};
}

bool my_pool::start(operation& op) noexcept {
  counters_.queries.add();
  try {
    if (line_.size() >= settings_.queue || closing_) [[unlikely]] {
      counters_.refused.add();
      throw none_free(line_.size());
    }
    ++working_;
    start_detached(run_alone(op));
    return true;
  } catch (...) {
    op.error = std::current_exception();
    return false;
  }
}

// The statement, on whatever connection is free. A read is done again when its connection is lost, a change only when
// it had not been sent; either when it fell victim to a deadlock, which undoes it.
task<> my_pool::run_alone(operation& op) {
  my_flight flight{.op = &op};
  flight.hook();
  auto const reads = op.what->reads;
  rows found;
  std::exception_ptr error;
  for (unsigned attempt = 1;; ++attempt) {
    error = nullptr;
    lease connection;
    bool again = false;
    try {
      connection = co_await borrow(flight);
      if (connection != nullptr) found = co_await connection->execute(flight);
    } catch (my_lost const& lost) {
      was_lost(lost);
      again = attempt == 1 && !lost.by_us && (reads || !lost.may_be_done);
      auto const text = "MySQL: the connection was lost: " + lost.why;
      error = lost.may_be_done && !reads ? std::make_exception_ptr(unknown_outcome_error{text})
                                         : std::make_exception_ptr(unavailable_error{text});
    } catch (...) {
      error = std::current_exception();
      again = attempt < deadlock_attempts && is_conflict(error);
    }
    if (connection != nullptr) {
      connection->forget_transaction();  // of one statement, and over
      release(std::move(connection), purpose::statement);
    }
    if (flight.op == nullptr || !error || !again) break;
    co_await sleep_for(some_of(std::chrono::milliseconds{1u << attempt}));
    if (flight.op == nullptr) break;
  }
  one_less();
  if (flight.op == nullptr) co_return;
  if (error)
    flight.fail(std::move(error));
  else
    flight.succeed(std::move(found));
}

task<my_pool::lease> my_pool::borrow(my_flight& flight) {
  for (;;) {
    auto connection = take(purpose::statement);
    if (connection == nullptr) {
      waiter me;
      me.flight = &flight;
      me.of = flight.op->of;
      flight.waiting = &me.done;
      co_await wait_in_line(me);
      flight.waiting = nullptr;
      connection = std::move(me.connection);
    }
    if (flight.op == nullptr) {
      if (connection != nullptr) release(std::move(connection), purpose::statement);
      co_return nullptr;
    }
    connection->flight = &flight;
    auto const well = co_await is_well(*connection);
    if (well && flight.op != nullptr) co_return connection;
    release(std::move(connection), purpose::statement);
    if (flight.op == nullptr) co_return nullptr;
  }
}

task<my_pool::lease> my_pool::acquire(purpose what) {
  context* const operation = co_await this_context{};
  if (line_.size() >= settings_.queue || closing_) {
    counters_.refused.add();
    throw none_free(line_.size());
  }
  struct work {
    my_pool& pool;
    ~work() { pool.one_less(); }
  };
  ++working_;
  work const mine{*this};
  for (;;) {
    auto connection = take(what);
    if (connection == nullptr) {
      waiter me;
      me.what = what;
      me.of = operation;
      co_await wait_in_line(me);
      connection = std::move(me.connection);
    }
    if (co_await is_well(*connection)) co_return connection;
    release(std::move(connection), what);
  }
}

task<> my_pool::wait_in_line(waiter& me) {
  struct in_line {
    my_pool& pool;
    waiter& me;
    ~in_line() { pool.leave_line(me); }
  };
  if (closing_) {  // nobody would be answered any more
    if (me.flight != nullptr) me.flight->waiting = nullptr;
    throw unavailable_error{"MySQL: the database is being closed"};
  }
  me.began = steady::now();
  me.give_up = me.began + settings_.acquire_timeout;
  me.place = line_.insert(line_.end(), &me);
  me.in_line = true;
  counters_.waits.add();
  {
    in_line const place{*this, me};
    replenish();
    co_await me.done;
  }
  counters_.wait_time_us.add(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - me.began).count()));
  if (me.error) std::rethrow_exception(me.error);
}

void my_pool::leave_line(waiter& me) noexcept {
  if (!std::exchange(me.in_line, false)) return;
  line_.erase(me.place);
}

void my_pool::answer(waiter& to, lease connection, std::exception_ptr error) {
  leave_line(to);
  if (to.flight != nullptr) to.flight->waiting = nullptr;
  to.connection = std::move(connection);
  to.error = std::move(error);
  to.done.fire();
}

// Whoever may have a connection and waits has had one before it became idle, so nobody is passed over here.
my_pool::lease my_pool::take(purpose what) {
  if (idle_.empty() || (what == purpose::transaction && transactions_ >= settings_.connections)) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  if (what == purpose::transaction) {
    ++transactions_;
    counters_.in_use.add();
  }
  return connection;
}

void my_pool::offer() {
  for (bool again = true; again && !idle_.empty();) {
    again = false;
    for (auto* each : line_) {
      auto connection = take(each->what);
      if (connection == nullptr) continue;
      answer(*each, std::move(connection), nullptr);
      again = true;  // whoever went on may have changed the line
      break;
    }
  }
}

void my_pool::release(lease connection, purpose what) {
  connection->flight = nullptr;
  if (what == purpose::transaction) {
    --transactions_;
    counters_.in_use.subtract();
  }
  put_back(std::move(connection));
}

void my_pool::put_back(lease connection) {
  if (!connection->is_open()) {
    drop(connection);
  } else if (closing_ || connection->retire_at <= home_.coarse_now()) {
    drop(connection);
    ++working_;
    start_detached([](my_pool& pool, lease old) -> task<> {
      pool.fresh_.push_back(old);  // so that its time is watched
      co_await old->quit();
      std::erase(pool.fresh_, old);
      pool.one_less();
    }(*this, std::move(connection)));
  } else {
    idle_.push_back(std::move(connection));
  }
  offer();
  replenish();
}

void my_pool::drop(lease const& connection) {
  if (std::erase(all_, connection) == 0) return;
  counters_.open.subtract();
}

// One that was lost without our doing says that the others may be dead as well.
void my_pool::was_lost(my_lost const& how) {
  if (how.by_us) return;
  counters_.errors.add();
  last_error_ = how.why;
  suspect_ = steady::now();
}

task<bool> my_pool::is_well(my_connection& connection) {
  if (connection.last_used >= suspect_) [[likely]]
    co_return connection.is_open();
  co_return co_await connection.ping();
}

task<> my_pool::close() {
  closing_ = true;
  ticker_ = {};
  auto const why = std::make_exception_ptr(unavailable_error{"MySQL: the database is being closed"});
  while (!line_.empty()) answer(*line_.front(), nullptr, why);
  for (auto* list : {&all_, &fresh_})
    for (auto const& each : std::vector<lease>{*list}) each->close("the database is being closed");
  if (working_ > 0) {
    one_shot last;
    quiet_ = &last;
    co_await last;
    quiet_ = nullptr;
  }
  idle_.clear();
  all_.clear();
}

}  // namespace slipway::db::detail
