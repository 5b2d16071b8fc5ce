#include <slipway/db/sqlite_writer.hpp>

#include <slipway/db/errors.hpp>

#include <pthread.h>

#include <algorithm>

namespace slipway::db::detail {

using steady = std::chrono::steady_clock;

void sqlite_writer::queue::push(job& j) noexcept {
  j.next = nullptr;
  (last != nullptr ? last->next : first) = &j;
  last = &j;
  ++size;
}

sqlite_writer::job* sqlite_writer::queue::pop() noexcept {
  auto* j = first;
  if (j == nullptr) return nullptr;
  first = j->next;
  if (first == nullptr) last = nullptr;
  --size;
  return j;
}

bool sqlite_writer::queue::remove(job& j) noexcept {
  job* previous = nullptr;
  for (auto* each = first; each != nullptr; previous = each, each = each->next) {
    if (each != &j) continue;
    (previous != nullptr ? previous->next : first) = j.next;
    if (last == &j) last = previous;
    --size;
    return true;
  }
  return false;
}

sqlite_writer::sqlite_writer(std::string path, settings const& s, sqlite_connection::access a)
    : settings_{s}, connection_{path, a} {
  thread_ = std::jthread{[this] {
    ::pthread_setname_np(::pthread_self(), "sqlite-writer");
    work();
  }};
}

sqlite_writer::~sqlite_writer() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  ready_.notify_all();
  thread_.join();
}

void sqlite_writer::submit(job& j) {
  {
    std::lock_guard lock{mutex_};
    if (j.as == role::inside || j.as == role::end) {
      inside_.push(j);
    } else {
      if (outside_.size >= settings_.queue || stopping_) {
        ++use_.refused;
        throw unavailable_error{"SQLite: " + std::to_string(outside_.size) +
                                " changes are waiting for the writer already"};
      }
      if (owner_ != 0 || outside_.first != nullptr) ++use_.waits;
      outside_.push(j);
    }
  }
  ready_.notify_one();
}

bool sqlite_writer::withdraw(job& j) {
  std::lock_guard lock{mutex_};
  return j.as == role::inside ? inside_.remove(j) : outside_.remove(j);
}

void sqlite_writer::abandon(std::uint64_t transaction) {
  struct last_job final : job {};
  auto* j = new last_job;
  j->as = role::end;
  j->transaction = transaction;
  j->work = [](sqlite_connection& c) {
    if (c.in_transaction()) c.simple("rollback");
  };
  j->finished = nullptr;
  submit(*j);
}

void sqlite_writer::expire(shard& home) {
  auto const now = home.coarse_now();
  queue late;
  {
    std::lock_guard lock{mutex_};
    for (auto* each = outside_.first; each != nullptr;) {
      auto* next = each->next;
      if (each->home == &home && each->give_up <= now) {
        outside_.remove(*each);
        late.push(*each);
        ++use_.refused;
      }
      each = next;
    }
  }
  while (auto* j = late.pop()) {
    j->error = std::make_exception_ptr(unavailable_error{
        "SQLite: the writer was not free for " + std::to_string(settings_.acquire_timeout.count()) +
        " ms. A transaction holds it; inside a transaction, statements must go through the transaction itself"});
    j->finished(*j);
  }
}

sqlite_writer::job* sqlite_writer::take(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (auto* j = inside_.pop()) return j;
    if (owner_ == 0)
      if (auto* j = outside_.pop()) return j;
    if (stopping_) return nullptr;
    ready_.wait(lock);
  }
}

void sqlite_writer::run(job& j) {
  try {
    // Some errors end a transaction by themselves; what follows must not become a change of its own.
    if (j.as == role::inside && !connection_.in_transaction())
      throw db::error{"SQLite: the transaction was rolled back after an error before"};
    if (j.as == role::alone) connection_.require_in_place();
    j.work(connection_);
  } catch (...) {
    j.error = std::current_exception();
  }
}

void sqlite_writer::work() {
  std::unique_lock lock{mutex_};
  while (auto* j = take(lock)) {
    lock.unlock();
    run(*j);
    auto const as = j->as;
    auto const began = as == role::begin && !j->error;
    auto const transaction = j->transaction;
    auto* home = j->home;
    lock.lock();
    ++use_.queries;
    if (j->error) ++use_.errors;
    if (began) owner_ = transaction;
    if (as == role::end) owner_ = 0;
    lock.unlock();
    if (j->finished == nullptr)
      delete j;  // abandoned: nobody waits
    else
      home->post([j] { j->finished(*j); });
    lock.lock();
  }
}

void sqlite_writer::add_to(usage& u) const {
  std::lock_guard lock{mutex_};
  u.queries += use_.queries;
  u.errors += use_.errors;
  u.waits += use_.waits;
  u.wait_time_us += use_.wait_time_us;
  u.refused += use_.refused;
  u.open += 1;
  u.in_use += owner_ != 0 ? 1 : 0;
}

sqlite_writer::call::call(sqlite_writer& writer, role as, std::uint64_t transaction,
                          std::function<void(sqlite_connection&, stop_rule const&)> work)
    : writer_{writer} {
  this->as = as;
  this->transaction = transaction;
  this->stop.cancelled = &this->cancelled;
  this->work = [this, asked = steady::now(), todo = std::move(work)](sqlite_connection& c) {
    auto const now = steady::now();
    if (this->as == role::begin || this->as == role::alone) {
      std::lock_guard lock{writer_.mutex_};
      writer_.use_.wait_time_us +=
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - asked).count());
    }
    this->stop.deadline = std::min(deadline_, now + writer_.settings_.statement_timeout);
    todo(c, this->stop);
  };
  this->finished = [](job& j) {
    auto& me = static_cast<call&>(j);
    context::drop(me);
    me.waiting_.resume();
  };
}

void sqlite_writer::call::suspend(context* operation) {
  home = &shard::current();
  give_up = steady::now() + writer_.settings_.acquire_timeout;
  if (operation != nullptr && as != role::end) {
    if (operation->cancelled() != cancel_reason::none) throw cancelled_error{operation->cancelled()};
    deadline_ = operation->deadline;
    this->fire = [](context::hook& h, cancel_reason why) {
      auto& me = static_cast<call&>(h);
      me.why_ = why;
      if (!me.writer_.withdraw(me)) {
        me.cancelled.store(true, std::memory_order_relaxed);  // it runs: the statement stops soon
        return;
      }
      me.error = std::make_exception_ptr(cancelled_error{why});
      me.waiting_.resume();
    };
    operation->add(*this);
  }
  writer_.submit(*this);
}

void sqlite_writer::call::await_resume() {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (sqlite_stopped const&) {
    if (why_ != cancel_reason::none) throw cancelled_error{why_};
    if (deadline_ <= steady::now()) throw cancelled_error{cancel_reason::deadline};
    throw unavailable_error{"SQLite: the statement ran longer than " +
                            std::to_string(writer_.settings_.statement_timeout.count()) +
                            " ms (database.statement_timeout)"};
  } catch (sqlite_busy const&) {
    if (as == role::begin) throw conflict_error{"SQLite: another process holds the write lock"};
    throw unavailable_error{"SQLite: another process holds the write lock"};
  }
}

}  // namespace slipway::db::detail
