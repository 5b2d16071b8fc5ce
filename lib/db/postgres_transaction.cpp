#include <slipway/db/postgres_transaction.hpp>

#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_call.hpp>

#include <libpq-fe.h>

namespace slipway::db::detail {

bool pg_transaction::start(operation& op) noexcept {
  try {
    if (connection_ == nullptr || !connection_->is_open() || connection_->is_dirty())
      throw unavailable_error{"PostgreSQL: the transaction's connection was lost"};
    connection_->submit(op);
    return true;
  } catch (...) {
    op.error = std::current_exception();
    return false;
  }
}

task<> pg_transaction::script(std::string text) {
  auto* operation_context = co_await this_context{};
  co_await text_call{*connection_, "set local statement_timeout = 0",
                     operation_context};  // a migration may take its time
  co_await text_call{*connection_, std::move(text), operation_context, text_call::form::script};
}

task<std::unique_ptr<copy_channel>> pg_transaction::copy(std::string text, copy_direction direction) {
  if (connection_ == nullptr || !connection_->is_open() || connection_->is_dirty())
    throw unavailable_error{"PostgreSQL: the transaction's connection was lost"};
  auto* operation_context = co_await this_context{};
  co_return co_await open_copy(nullptr, connection_, std::move(text), direction, operation_context);
}

task<> pg_transaction::commit() {
  rows done;
  try {
    done = co_await text_call{*connection_, "commit", nullptr};
  } catch (unavailable_error const&) {
    release();
    throw unavailable_error{"PostgreSQL: the connection was lost at the commit: whether it was done is not known"};
  } catch (...) {
    release();
    throw;
  }
  // After an error the server answers a commit with a rollback, and calls that a success.
  auto const kept = std::string_view{PQcmdStatus(static_cast<PGresult*>(done.answer()))} == "COMMIT";
  release();
  if (!kept) throw db::error{"PostgreSQL: the transaction was rolled back, because a statement in it had failed"};
}

task<> pg_transaction::rollback() {
  if (connection_ == nullptr) co_return;
  // Where it fails, the server undoes everything with the connection: `release` closes one that is not idle.
  if (connection_->is_open() && !connection_->is_dirty()) (void)co_await text_attempt{*connection_, "rollback"};
  release();
}

void pg_transaction::release() {
  if (connection_ != nullptr) home_.release(std::exchange(connection_, nullptr));
}

}  // namespace slipway::db::detail
