#include <slipway/db/postgres_transaction.hpp>
#include <slipway/db/postgres_wire.hpp>

#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_call.hpp>

namespace slipway::db::detail {

std::string begin_text(isolation level) {
  switch (level) {
    case isolation::standard: return "begin";
    case isolation::read_committed: return "begin isolation level read committed";
    case isolation::repeatable_read: return "begin isolation level repeatable read";
    case isolation::serializable: return "begin isolation level serializable";
  }
  return "begin";
}

pg_transaction::pg_transaction(pg_place place, isolation level, pg_beginnings& elsewhere)
    : place_{std::move(place)}, level_{level}, elsewhere_{elsewhere} {
  opening_.text.sql = begin_text(level);
  opening_.what = &opening_.text;
  opening_.parameters = &opening_.none;
  opening_.waiting = std::noop_coroutine();
  opening_.joins_next = true;
}

void pg_transaction::check() const {
  if (place_.connection == nullptr || !place_.connection->is_open() || place_.connection->is_dirty())
    throw unavailable_error{"PostgreSQL: the transaction's connection was lost"};
}

bool pg_transaction::start(operation& op) noexcept {
  try {
    check();
    if (!std::exchange(has_begun_, true)) place_.connection->submit(opening_);
    place_.connection->submit(op);
    return true;
  } catch (...) {
    op.error = std::current_exception();
    return false;
  }
}

void pg_transaction::opening::begin_again(operation& first) noexcept {
  start_detached(of_transaction.repeat(first), first.of);
}

// Once, and by then with the server's word: a statement that ends its server does not end one after the other.
task<> pg_transaction::repeat(operation& first) {
  std::exception_ptr refused;
  try {
    co_await begin_now();
    if (first.of != nullptr && first.of->cancelled() != cancel_reason::none)
      throw cancelled_error{first.of->cancelled()};
    place_.connection->submit(first);
  } catch (...) {
    refused = std::current_exception();
  }
  if (refused) fail(first, std::move(refused));
}

task<> pg_transaction::begin_now() {
  auto* operation_context = co_await this_context{};
  has_begun_ = true;
  if (place_.connection != nullptr && place_.connection->is_open()) {
    try {
      co_await text_call{*place_.connection, begin_text(level_), operation_context};
      co_return;
    } catch (unavailable_error const&) {  // it had died without a word: elsewhere, then
    }
  }
  release();
  place_ = co_await elsewhere_.begin_now(level_);
}

task<> pg_transaction::script(std::string text) {
  auto* operation_context = co_await this_context{};
  if (!has_begun_) co_await begin_now();
  check();
  co_await text_call{*place_.connection, "set local statement_timeout = 0",
                     operation_context};  // a migration may take its time
  co_await text_call{*place_.connection, std::move(text), operation_context, text_call::form::script};
}

task<std::unique_ptr<copy_channel>> pg_transaction::copy(std::string text, copy_direction direction) {
  auto* operation_context = co_await this_context{};
  if (!has_begun_) co_await begin_now();
  check();
  co_return co_await open_copy(nullptr, place_.connection, std::move(text), direction, operation_context);
}

// A server that answers at all does by then.
std::chrono::steady_clock::time_point pg_transaction::soon() const {
  return std::chrono::steady_clock::now() + place_.home->limits().connect_timeout;
}

task<> pg_transaction::commit() {
  if (!has_begun_) co_return release();  // nothing was asked for
  if (place_.connection == nullptr) check();
  auto const* caller = co_await this_context{};
  rows done;
  try {
    // Not cancelled when the caller is, because it may have been done; but not waited for any longer than the caller
    // would have.
    context limit;
    if (caller != nullptr) limit.deadline = std::max(soon(), caller->deadline);
    done = co_await text_call{*place_.connection, "commit", &limit};
  } catch (unavailable_error const&) {
    release();
    throw unknown_outcome_error{"PostgreSQL: the connection was lost at the commit: whether it was done is not known"};
  } catch (cancelled_error const&) {
    release();
    throw unknown_outcome_error{"PostgreSQL: no answer to the commit came in time: whether it was done is not known"};
  } catch (...) {
    release();
    throw;
  }
  // After an error the server answers a commit with a rollback, and calls that a success.
  auto const kept = answer_of(done).tag() == "COMMIT";
  release();
  if (!kept) throw db::error{"PostgreSQL: the transaction was rolled back, because a statement in it had failed"};
}

task<> pg_transaction::rollback() {
  if (place_.connection == nullptr) co_return;
  // Where it fails, the server undoes everything with the connection: `release` closes one that is not idle.
  if (has_begun_ && place_.connection->is_open() && !place_.connection->is_dirty()) {
    context limit;
    limit.deadline = soon();
    (void)co_await text_attempt{*place_.connection, "rollback", &limit};
  }
  release();
}

void pg_transaction::release() {
  if (place_.connection != nullptr) place_.home->release(std::exchange(place_.connection, nullptr));
}

}  // namespace slipway::db::detail
