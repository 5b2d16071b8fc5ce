// The stream of one COPY.
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_call.hpp>
#include <slipway/db/postgres_transaction.hpp>

#include <algorithm>

namespace slipway::db::detail {
namespace {

// Awaited: one step of a COPY.
class step_call : public copy_step {
 public:
  step_call(pg_connection& on, kind what, std::string_view to_write) : on_{on} {
    does = what;
    data = to_write;
    this->what = &text_;
  }
  step_call(step_call const&) = delete;
  step_call& operator=(step_call const&) = delete;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    waiting = self;
    of = self.promise().operation;
    if (of != nullptr && of->cancelled() != cancel_reason::none) throw cancelled_error{of->cancelled()};
    if (!on_.is_open()) throw unavailable_error{"PostgreSQL: the connection was lost in the middle of a COPY"};
    return on_.submit_step(*this);
  }
  void await_resume() const {
    if (error) std::rethrow_exception(error);
  }

 private:
  pg_connection& on_;
  statement text_;
};

class pg_copy final : public copy_channel {
 public:
  pg_copy(pg_shard* home, std::shared_ptr<pg_connection> connection) noexcept
      : home_{home}, connection_{std::move(connection)} {}
  ~pg_copy() override {
    if (connection_ != nullptr) give_back();
  }

  task<std::string> read() override {
    if (connection_ == nullptr) co_return std::string{};
    std::exception_ptr refused;
    step_call step{*connection_, copy_step::kind::read, {}};
    try {
      co_await step;
    } catch (...) {
      refused = std::current_exception();
    }
    if (refused || step.piece.empty()) co_await leave();
    if (refused) std::rethrow_exception(refused);
    co_return std::move(step.piece);
  }

  task<> write(std::string_view data) override {
    if (connection_ == nullptr) throw error{"PostgreSQL: the COPY is over"};
    while (!data.empty()) {
      auto const part = data.substr(0, part_size);
      data.remove_prefix(part.size());
      step_call step{*connection_, copy_step::kind::write, part};
      co_await step;
    }
  }

  task<std::int64_t> finish() override {
    if (connection_ == nullptr) throw error{"PostgreSQL: the COPY is over"};
    std::exception_ptr refused;
    std::int64_t count = 0;
    try {
      step_call step{*connection_, copy_step::kind::finish, {}};
      co_await step;
      count = step.answer.affected();
    } catch (...) {
      refused = std::current_exception();
    }
    co_await leave();
    if (refused) std::rethrow_exception(refused);
    co_return count;
  }

  // Statements are limited again.
  task<> leave() {
    auto const connection = connection_;
    if (connection->is_open() && !connection->is_dirty() && !connection->has_failed() &&
        connection->copying() == pg_connection::copy_state::none) {
      try {
        co_await text_call{*connection,
                           (home_ == nullptr ? "set local statement_timeout = " : "set statement_timeout = ") +
                               connection->timeout_text(),
                           nullptr};
      } catch (unavailable_error const&) {
        connection->soil();
      }
    }
    give_back();
  }

 private:
  // libpq holds what was not sent yet: this bounds it.
  static constexpr std::size_t part_size = 256 << 10;

  void give_back() {
    auto connection = std::exchange(connection_, nullptr);
    if (connection->copying() != pg_connection::copy_state::none) connection->soil();
    if (home_ != nullptr) home_->release(std::move(connection));
  }

  pg_shard* home_;
  std::shared_ptr<pg_connection> connection_;
};

}  // namespace

task<std::unique_ptr<copy_channel>> open_copy(pg_shard* home, std::shared_ptr<pg_connection> connection,
                                              std::string text, link::copy_direction direction,
                                              context* operation_context) {
  auto const wanted =
      direction == link::copy_direction::in ? pg_connection::copy_state::in : pg_connection::copy_state::out;
  auto made = std::make_unique<pg_copy>(home, connection);
  co_await text_call{*connection, home == nullptr ? "set local statement_timeout = 0" : "set statement_timeout = 0",
                     operation_context};
  std::exception_ptr refused;
  try {
    co_await text_call{*connection, std::move(text), operation_context, text_call::form::copy};
  } catch (...) {
    refused = std::current_exception();
  }
  if (!refused && connection->copying() != wanted)
    refused = std::make_exception_ptr(error{direction == link::copy_direction::in
                                                ? "PostgreSQL: copy_in wants a COPY ... FROM STDIN"
                                                : "PostgreSQL: copy_out wants a COPY ... TO STDOUT"});
  if (!refused) co_return made;
  if (connection->is_open() && connection->copying() == pg_connection::copy_state::none) co_await made->leave();
  std::rethrow_exception(refused);
}

}  // namespace slipway::db::detail
