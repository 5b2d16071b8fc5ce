// The pool's own work: opening, stopping, looking after connections.
#include <slipway/core/errors.hpp>
#include <slipway/core/random.hpp>
#include <slipway/db/jitter.hpp>
#include <slipway/db/mysql_pool.hpp>

#include <algorithm>

namespace slipway::db::detail {

using steady = std::chrono::steady_clock;

namespace {

// A statement that nobody waits for any more may keep its connection for this long before it is stopped.
constexpr std::chrono::milliseconds patience{150};

// Stops what runs on a connection when the operation that asked for it is cancelled.
struct stop_hook : context::hook {
  stop_hook(context* operation, my_pool& p, my_connection& c) noexcept : pool{p}, connection{c} {
    fire = [](context::hook& h, cancel_reason reason) {
      auto& me = static_cast<stop_hook&>(h);
      me.why = reason;
      me.pool.stop(me.connection, "the operation was cancelled");
    };
    if (operation != nullptr) operation->add(*this);
  }
  stop_hook(stop_hook const&) = delete;
  stop_hook& operator=(stop_hook const&) = delete;
  ~stop_hook() { context::drop(*this); }

  my_pool& pool;
  my_connection& connection;
  cancel_reason why = cancel_reason::none;
};

}  // namespace

// Opens what is missing. After a failure not before a pause.
void my_pool::replenish() {
  if (closing_ || !is_warm_ || home_.coarse_now() < next_attempt_) return;
  auto const wanted = std::size_t{settings_.connections} + settings_.pipelines;
  for (auto have = all_.size() + opening_; have < wanted; ++have) {
    ++working_;
    ++opening_;
    start_detached(open_one());
  }
}

task<> my_pool::open_one() {
  auto connection = std::make_shared<my_connection>(target_, home_);
  fresh_.push_back(connection);
  std::string refused;
  try {
    co_await connection->open();
  } catch (my_refused const& why) {
    refused = why.what();
  }
  std::erase(fresh_, connection);
  --opening_;
  if (closing_) {
    connection->close("the database is being closed");
  } else if (!refused.empty()) {
    last_error_ = refused;
    // Doubling from 50 ms to 2 s, each with its own part of chance, so that a fleet does not come back as one.
    next_attempt_ = steady::now() + some_of(std::chrono::milliseconds{50u << std::min(failures_++, 5u)});
  } else {
    counters_.reconnects.add();
    adopt(std::move(connection));
    offer();
  }
  one_less();
}

void my_pool::adopt(lease connection) {
  failures_ = 0;
  last_error_.clear();
  // Not all at once, though they were opened at once.
  connection->retire_at = steady::now() + some_of(settings_.connection_lifetime);
  counters_.connects.add();
  counters_.open.add();
  all_.push_back(connection);
  idle_.push_back(std::move(connection));
}

task<> my_pool::warm() {
  for (auto i = settings_.connections + settings_.pipelines; i > 0; --i) {
    auto connection = std::make_shared<my_connection>(target_, home_);
    fresh_.push_back(connection);
    std::exception_ptr error;
    try {
      co_await connection->open();
    } catch (...) {
      error = std::current_exception();
    }
    std::erase(fresh_, connection);
    if (error) std::rethrow_exception(error);
    adopt(std::move(connection));
  }
  is_warm_ = true;
}

void my_pool::stop(my_connection& connection, std::string why) {
  auto const id = connection.id();
  connection.close(std::move(why), true);
  if (id == 0 || closing_ || kills_ >= 8) return;  // the server's own time-out ends it
  ++working_;
  ++kills_;
  start_detached(kill(id));
}

task<> my_pool::kill(std::uint64_t id) {
  auto connection = take(purpose::statement);
  auto const borrowed = connection != nullptr;
  if (!borrowed) {
    connection = std::make_shared<my_connection>(target_, home_);
    fresh_.push_back(connection);
    try {
      co_await connection->open();
    } catch (my_refused const& why) {
      last_error_ = why.what();  // the server's own time-out has to end it
    }
  }
  // Fails when it is over already.
  if (connection->is_open()) co_await connection->try_text("kill " + std::to_string(id), std::chrono::seconds{2});
  --kills_;
  if (borrowed) {
    release(std::move(connection), purpose::statement);
  } else {
    std::erase(fresh_, connection);
    connection->close("its work is done");
  }
  one_less();
}

// Asks an idle connection for a sign of life, so that no request finds it dead.
task<> my_pool::look_after(lease connection) {
  if (!co_await connection->ping()) was_lost({.why = "an idle connection was dead"});
  put_back(std::move(connection));
  one_less();
}

void my_pool::tick() {
  auto const now = steady::now();
  tick_connections(now);
  tick_line(now);
  tick_idle(now);
  replenish();
}

void my_pool::tick_connections(steady::time_point now) {
  auto all = all_;
  all.insert(all.end(), fresh_.begin(), fresh_.end());
  for (auto const& each : all) {
    if (auto* flight = each->flight;
        flight != nullptr && flight->op != nullptr && flight->op->of != nullptr && flight->op->of->deadline <= now)
      flight->cancel(cancel_reason::deadline);
    if (!each->is_open()) continue;
    if (each->silent_at <= now)
      stop(*each, "the server did not answer in time");
    else if (each->flight != nullptr && each->flight->op == nullptr && now - each->flight->abandoned_at > patience)
      stop(*each, "a statement was stopped because nobody waited for it any more");
  }
}

void my_pool::tick_line(steady::time_point now) {
  for (bool again = true; again;) {
    again = false;
    for (auto* each : line_) {
      auto const late = each->of != nullptr && each->of->deadline <= now;
      if (!late && each->give_up > now) continue;
      again = true;
      if (late && each->flight != nullptr)
        each->flight->cancel(cancel_reason::deadline);
      else if (late)
        answer(*each, nullptr, std::make_exception_ptr(cancelled_error{cancel_reason::deadline}));
      else
        answer(*each, nullptr,
               std::make_exception_ptr(unavailable_error{"MySQL: no connection was free for " +
                                                         std::to_string(settings_.acquire_timeout.count()) + " ms" +
                                                         (last_error_.empty() ? "" : ": " + last_error_)}));
      break;
    }
  }
}

void my_pool::tick_idle(steady::time_point now) {
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    auto const old = (*it)->retire_at <= now;
    auto const doubtful = (*it)->last_used < suspect_ || now - (*it)->last_used >= settings_.idle_check;
    if (!old && !doubtful) continue;
    auto connection = std::move(*it);
    idle_.erase(it);
    if (old) return put_back(std::move(connection));
    ++working_;
    return start_detached(look_after(std::move(connection)));  // one a turn is enough
  }
}

task<> my_pool::sign_of_life() {
  auto const why = [this] { return last_error_.empty() ? std::string{"connecting"} : last_error_; };
  if (all_.empty()) throw unavailable_error{"MySQL: no connection: " + why()};
  auto connection = co_await acquire(purpose::statement);
  auto const well = co_await connection->ping();
  if (!well) was_lost({.why = "the server does not answer"});
  release(std::move(connection), purpose::statement);
  if (!well) throw unavailable_error{"MySQL: " + why()};
}

task<> my_pool::run_script(my_connection& on, std::string text) {
  auto* operation = co_await this_context{};
  if (operation != nullptr && operation->cancelled() != cancel_reason::none)
    throw cancelled_error{operation->cancelled()};
  stop_hook const hook{operation, *this, on};
  std::exception_ptr error;
  try {
    co_await on.unlimited(std::move(text));
  } catch (my_lost const& lost) {
    error = hook.why != cancel_reason::none
                ? std::make_exception_ptr(cancelled_error{hook.why})
                : std::make_exception_ptr(unavailable_error{"MySQL: the connection was lost: " + lost.why});
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace slipway::db::detail
