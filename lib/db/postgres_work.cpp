#include <slipway/db/postgres_work.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_call.hpp>

namespace slipway::db::detail {
// An idle connection may have died without a word: the next one is tried then, nothing has been done yet.
task<pg_place> begun_on(pg_shard& here, isolation level) {
  auto* operation_context = co_await this_context{};
  for (unsigned attempt = 0;; ++attempt) {
    auto connection = co_await here.acquire();
    std::exception_ptr refused;
    bool may_have_died = false;
    try {
      co_await text_call{*connection, begin_text(level), operation_context};
    } catch (unavailable_error const&) {
      refused = std::current_exception();
      may_have_died = attempt < here.limits().connections;
    } catch (...) {
      refused = std::current_exception();
    }
    if (!refused) co_return pg_place{&here, std::move(connection)};
    here.release(std::move(connection));
    if (!may_have_died) std::rethrow_exception(refused);
  }
}

task<pg_place> pg_shard::begin_now(isolation level) { return begun_on(*this, level); }

task<std::unique_ptr<exclusive>> begin_on(pg_shard& here, transaction_options options) {
  co_return std::make_unique<pg_transaction>(pg_place{&here, co_await here.acquire()}, options.level, here);
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
