#include <slipway/db/postgres_work.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_call.hpp>

namespace slipway::db::detail {
namespace {

std::string begin_text(isolation level) {
  switch (level) {
    case isolation::standard: return "begin";
    case isolation::read_committed: return "begin isolation level read committed";
    case isolation::repeatable_read: return "begin isolation level repeatable read";
    case isolation::serializable: return "begin isolation level serializable";
  }
  return "begin";
}

}  // namespace

task<std::unique_ptr<exclusive>> begin_on(pg_shard& here, transaction_options options) {
  auto* operation_context = co_await this_context{};
  // An idle connection may have died without a word: the next one is tried then, nothing has been done yet.
  for (unsigned attempt = 0;; ++attempt) {
    auto made = std::make_unique<pg_transaction>(here, co_await here.acquire());
    try {
      co_await text_call{made->connection(), begin_text(options.level), operation_context};
      co_return made;
    } catch (unavailable_error const&) {
      if (attempt >= here.limits().connections) throw;
    }
  }
}

task<> run_script_on(pg_shard& here, std::string text) {
  auto* operation_context = co_await this_context{};
  auto connection = co_await here.acquire();
  std::exception_ptr error;
  try {
    co_await text_call{*connection, "set statement_timeout = 0", operation_context};
    co_await text_call{*connection, std::move(text), operation_context, text_call::form::script};
  } catch (...) {
    error = std::current_exception();
  }
  if (connection->is_open() && !connection->is_dirty()) {
    try {  // the script may have changed more of its session than this
      if (connection->in_transaction()) co_await text_call{*connection, "rollback", nullptr};
      co_await text_call{*connection, "set statement_timeout = " + connection->timeout_text(), nullptr};
    } catch (unavailable_error const&) {
      connection->soil();
    }
  }
  here.release(std::move(connection));
  if (error) std::rethrow_exception(error);
}

task<std::unique_ptr<copy_channel>> open_copy_on(pg_shard& here, std::string text, link::copy_direction direction) {
  auto* operation_context = co_await this_context{};
  auto connection = co_await here.acquire();
  co_return co_await open_copy(&here, std::move(connection), std::move(text), direction, operation_context);
}

task<> ping_on(pg_shard& here, std::string const& place) {
  here.check();
  context limit;
  limit.deadline = std::chrono::steady_clock::now() + here.limits().connect_timeout;
  try {
    shared_call look{here, "select 1", limit};
    co_await look;
  } catch (cancelled_error const&) {
    throw unavailable_error{"PostgreSQL at " + place + " does not answer in time"};
  }
}

}  // namespace slipway::db::detail
