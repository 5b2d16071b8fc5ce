// Awaited: one text without parameters on one connection. For PostgreSQL's .cpp files.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_connection.hpp>
#include <slipway/db/postgres_shard.hpp>

#include <coroutine>
#include <string>
#include <utility>

namespace slipway::db::detail {

class text_call : public operation {
 public:
  enum class form : std::uint8_t { statement, script, copy };
  // `operation_context` null: not to be cancelled.
  text_call(pg_connection& on, std::string sql, context* operation_context, form as = form::statement)
      : on_{on}, as_{as} {
    text_.sql = std::move(sql);
    what = &text_;
    parameters = &none_;
    of = operation_context;
  }
  text_call(text_call const&) = delete;
  text_call& operator=(text_call const&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    waiting = self;
    if (of != nullptr && of->cancelled() != cancel_reason::none) throw cancelled_error{of->cancelled()};
    if (!on_.is_open()) throw unavailable_error{"PostgreSQL: the connection was lost"};
    switch (as_) {
      case form::statement: return on_.submit(*this);
      case form::script: return on_.submit_script(*this);
      case form::copy: return on_.submit_copy(*this);
    }
  }
  rows await_resume() {
    if (error) std::rethrow_exception(error);
    return std::move(answer);
  }

 private:
  pg_connection& on_;
  form as_;
  statement text_;
  db::values none_;
};

// The same without its answer: whether it was done.
class text_attempt final : public text_call {
 public:
  using text_call::text_call;
  bool await_resume() const noexcept { return !error; }
};

// The same on whatever the shard shares.
class shared_call final : public operation {
 public:
  shared_call(pg_shard& on, std::string sql, context& limited, db::values values = {})
      : on_{on}, values_{std::move(values)} {
    text_.sql = std::move(sql);
    text_.reads = true;
    what = &text_;
    parameters = &values_;
    of = &limited;
  }
  shared_call(shared_call const&) = delete;
  shared_call& operator=(shared_call const&) = delete;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) {
    waiting = self;
    return on_.start(*this);
  }
  rows await_resume() {
    if (error) std::rethrow_exception(error);
    return std::move(answer);
  }

 private:
  pg_shard& on_;
  statement text_;
  db::values values_;
};

}  // namespace slipway::db::detail
