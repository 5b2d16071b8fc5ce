#include <slipway/db/jitter.hpp>
#include <slipway/db/postgres_shard.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/random.hpp>
#include <slipway/db/errors.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <ranges>

namespace slipway::db::detail {

using steady = std::chrono::steady_clock;

pg_shard::pg_shard(settings const& s, shard& home, blocking_pool& helpers, std::vector<pg_handle> first)
    : settings_{s}, home_{home}, helpers_{helpers}, ticker_{home.on_tick([this] { tick(); })} {
  for (auto& each : first) pipelines_.push_back(adopt(std::move(each), true));
  open_one(purpose::transaction);  // the first transaction need not wait for it
}

pg_shard::pg_shard(settings const& s, shard& home, blocking_pool& helpers, pg_detour& detour)
    : settings_{s},
      home_{home},
      helpers_{helpers},
      detour_{&detour},
      keeps_one_ready_{false},
      ticker_{home.on_tick([this] { tick(); })} {}

std::shared_ptr<pg_connection> pg_shard::adopt(pg_handle connection, bool shared) {
  auto made = std::make_shared<pg_connection>(*this, home_, std::move(connection), shared, settings_.statement_timeout);
  made->listen();
  // Each has its own part of chance, so that what was opened together does not end together.
  auto const lifetime = std::chrono::microseconds{settings_.connection_lifetime};
  auto const part = static_cast<std::uint64_t>(lifetime.count() / 5);
  made->used_at = home_.coarse_now();
  made->retire_at = made->used_at + lifetime - std::chrono::microseconds{system_random().below(part + 1)};
  counters_.connects.add();
  counters_.open.add();
  return made;
}

pg_connection* pg_shard::least_loaded() noexcept {
  if (pipelines_.size() == 1) [[likely]]
    return pipelines_.front().get();
  pg_connection* best = nullptr;
  for (auto const& each : pipelines_)
    if (best == nullptr || each->load() < best->load()) best = each.get();
  return best;
}

bool pg_shard::start(operation& op) noexcept {
  counters_.queries.add();
  try {
    auto* pipeline = least_loaded();
    auto const waiting = pipeline != nullptr ? pipeline->load() : stranded_.size();
    if (waiting >= settings_.queue || closing_) [[unlikely]] {
      counters_.refused.add();
      throw unavailable_error{"PostgreSQL: " + std::to_string(waiting) + " statements are waiting already" +
                              (last_error_.empty() ? "" : " (" + last_error_ + ")")};
    }
    if (pipeline != nullptr) [[likely]]
      pipeline->submit(op);
    else
      wait_for_pipeline(op);
    return true;
  } catch (...) {
    op.error = std::current_exception();
    return false;
  }
}

void pg_shard::wait_for_pipeline(operation& op) {
  if (detour_ != nullptr && detour_->take(*this, op, {})) return;
  op.owner = this;
  op.position = as_position(home_.coarse_now() + settings_.acquire_timeout);
  if (op.of != nullptr) {
    op.fire = [](context::hook& h, cancel_reason why) {
      auto& me = static_cast<operation&>(h);
      static_cast<pg_shard*>(me.owner)->stranded_.remove(me);
      fail(me, std::make_exception_ptr(cancelled_error{why}));
    };
    op.of->add(op);
  }
  stranded_.push(op);
  replenish();
}

task<std::shared_ptr<pg_connection>> pg_shard::acquire() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->is_open()) continue;
    busy_.push_back(connection);
    counters_.in_use.add();
    co_return connection;
  }
  if (waiters_.size() >= settings_.queue || closing_) {
    counters_.refused.add();
    throw unavailable_error{"PostgreSQL: " + std::to_string(waiters_.size()) + " transactions are waiting already"};
  }
  auto const began = steady::now();
  waiter me;
  me.give_up = began + settings_.acquire_timeout;
  auto const* operation_context = co_await this_context{};
  me.deadline = operation_context != nullptr ? operation_context->deadline : steady::time_point::max();
  struct in_line {
    std::list<waiter*>& line;
    std::list<waiter*>::iterator place;
    ~in_line() { line.erase(place); }
  };
  {
    in_line const place{waiters_, waiters_.insert(waiters_.end(), &me)};
    counters_.waits.add();
    replenish();
    co_await me.done;
  }
  counters_.wait_time_us.add(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - began).count()));
  if (me.error) std::rethrow_exception(me.error);
  co_return std::move(me.connection);
}

void pg_shard::offer(std::shared_ptr<pg_connection> connection) {
  for (auto* each : waiters_) {
    if (each->connection != nullptr || each->error) continue;
    busy_.push_back(connection);
    counters_.in_use.add();
    each->connection = std::move(connection);
    return each->done.fire();
  }
  idle_.push_back(std::move(connection));
}

void pg_shard::release(std::shared_ptr<pg_connection> connection) {
  std::erase(busy_, connection);
  counters_.in_use.subtract();
  if (!connection->is_open()) return replenish();
  connection->used_at = home_.coarse_now();
  if (closing_ || connection->is_dirty() || !connection->is_idle() || connection->in_transaction() ||
      connection->retire_at <= connection->used_at) {
    // The server undoes what was open when the connection ends.
    connection->close(std::make_exception_ptr(unavailable_error{"PostgreSQL: the connection was given up"}));
    counters_.open.subtract();
    return replenish();
  }
  offer(std::move(connection));
}

// Opens what is missing and wanted. After a failure not before a pause.
void pg_shard::replenish() {
  if (closing_ || home_.coarse_now() < next_attempt_) return;
  if (detour_ != nullptr && !detour_->answers(*this)) return;
  while (pipelines_.size() + opening_pipelines_ < settings_.pipelines) open_one(purpose::pipeline);
  auto const exclusive = [this] { return idle_.size() + busy_.size() + opening_others_; };
  auto const wanted = static_cast<std::size_t>(
      std::count_if(waiters_.begin(), waiters_.end(), [](auto* w) { return w->connection == nullptr && !w->error; }));
  while (opening_others_ < wanted && exclusive() < settings_.connections) open_one(purpose::transaction);
  if (exclusive() == 0 && keeps_one_ready_) open_one(purpose::transaction);
}

void pg_shard::came_back() {
  next_attempt_ = {};
  replenish();
}

void pg_shard::open_one(purpose what) {
  ++(what == purpose::pipeline ? opening_pipelines_ : opening_others_);
  start_detached(connect(what));
}

task<> pg_shard::connect(purpose what) {
  pg_handle opened;
  try {
    opened = co_await helpers_.run([this] {
      if (closing_) throw connect_error{"the database is being closed", false};
      return open_connection(settings_);
    });
  } catch (std::exception const& refused) {
    last_error_ = refused.what();
  }
  --(what == purpose::pipeline ? opening_pipelines_ : opening_others_);
  if (closing_) co_return;
  if (opened == nullptr) {
    // Doubling from 50 ms to 2 s.
    next_attempt_ = steady::now() + some_of(std::chrono::milliseconds{50 << std::min(failures_++, 5u)});
    co_return;
  }
  connected(std::move(opened), what);
}

void pg_shard::connected(pg_handle connection, purpose what) {
  failures_ = 0;
  last_error_.clear();
  std::shared_ptr<pg_connection> made;
  try {
    made = adopt(std::move(connection), what == purpose::pipeline);
  } catch (std::exception const& refused) {  // no descriptor left
    last_error_ = refused.what();
    next_attempt_ = steady::now() + std::chrono::seconds{1};
    return;
  }
  if (what == purpose::transaction) return offer(std::move(made));
  counters_.reconnects.add();
  pipelines_.push_back(made);
  if (pipelines_.size() > settings_.pipelines) {  // it replaces the oldest
    auto const oldest = std::ranges::min_element(pipelines_, {}, [](auto const& each) { return each->retire_at; });
    retiring_.push_back(std::move(*oldest));
    pipelines_.erase(oldest);
  }
  while (auto* op = stranded_.pop()) {
    context::drop(*op);
    made->submit(*op);
  }
}

void pg_shard::on_lost(pg_connection& connection, operation_list reads, std::string const& why) {
  counters_.open.subtract();
  counters_.errors.add();
  last_error_ = why;
  std::erase_if(pipelines_, [&](auto const& each) { return each.get() == &connection; });
  std::erase_if(retiring_, [&](auto const& each) { return each.get() == &connection; });
  std::erase_if(idle_, [&](auto const& each) { return each.get() == &connection; });
  while (auto* op = reads.pop()) {
    if (closing_)
      fail(*op, std::make_exception_ptr(unavailable_error{"PostgreSQL: the database is being closed"}));
    else if (auto* other = least_loaded())
      other->submit(*op);
    else
      wait_for_pipeline(*op);
  }
  replenish();
}

void pg_shard::stop_statement(PGconn* connection) { canceller_.stop(connection); }

task<std::unique_ptr<listener>> pg_shard::listen(std::vector<std::string> channels, std::size_t queue) {
  if (closing_) throw unavailable_error{"PostgreSQL: the database is being closed"};
  auto made = std::make_shared<pg_listening>(
      listen_at_ ? listen_at_ : [this] { return settings_; }, home_, helpers_, std::move(channels), queue);
  auto handle = std::make_unique<pg_listener>(made);
  // Known from here on, so that it hears of another primary and of the end while it is still connecting.
  std::erase_if(listeners_, [](auto const& each) { return each.expired(); });
  listeners_.push_back(made);
  co_await pg_listening::open(made);
  co_return handle;
}

void pg_shard::check() const {
  for (auto const& each : pipelines_)
    if (each->is_open()) return;
  throw unavailable_error{"PostgreSQL: no connection: " +
                          (last_error_.empty() ? std::string{"connecting"} : last_error_)};
}

bool pg_shard::refused(operation& op, std::string_view state) {
  return detour_ != nullptr && !closing_ && detour_->take(*this, op, state);
}

void pg_shard::hand_over() {
  operation_list all;
  std::swap(all, stranded_);
  while (auto* op = all.pop()) {
    context::drop(*op);
    wait_for_pipeline(*op);
  }
  end_waiters(std::make_exception_ptr(unavailable_error{"PostgreSQL: the primary is gone"}));
}

void pg_shard::fence(std::string const& why) {
  keeps_one_ready_ = false;
  hand_over();
  end_connections(std::make_exception_ptr(unavailable_error{"PostgreSQL: " + why}));
}

void pg_shard::move_listeners() {
  for (auto const& each : std::vector{listeners_})
    if (auto const alive = each.lock()) alive->move();
}

void pg_shard::close() {
  closing_ = true;
  ticker_ = {};
  auto const why = std::make_exception_ptr(unavailable_error{"PostgreSQL: the database is being closed"});
  while (auto* op = stranded_.pop()) fail(*op, why);
  for (auto const& each : std::exchange(listeners_, {}))
    if (auto const alive = each.lock()) alive->close();
  end_connections(why);
  end_waiters(why);
}

void pg_shard::end_connections(std::exception_ptr const& why) {
  for (auto* list : {&pipelines_, &retiring_, &idle_}) {
    auto const copy = std::exchange(*list, {});
    for (auto const& each : copy) {
      if (each->is_open()) counters_.open.subtract();
      each->close(why);
    }
  }
  // Whoever has one of these gives it back.
  for (auto const& each : std::vector{busy_}) {
    if (each->is_open()) counters_.open.subtract();
    each->close(why);
  }
}

void pg_shard::end_waiters(std::exception_ptr const& why) {
  for (auto again = true; again;) {
    again = false;
    for (auto* each : waiters_) {
      if (each->connection != nullptr || each->error) continue;
      each->error = why;
      each->done.fire();
      again = true;
      break;
    }
  }
}

}  // namespace slipway::db::detail
