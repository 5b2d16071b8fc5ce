#include <slipway/db/mysql_transaction.hpp>

#include <slipway/core/errors.hpp>

#include <algorithm>
#include <vector>

namespace slipway::db::detail {
namespace {

class my_transaction final : public exclusive {
 public:
  my_transaction(my_pool& home, my_pool::lease connection) noexcept : home_{home}, connection_{std::move(connection)} {}
  ~my_transaction() override {
    if (connection_ == nullptr) return;
    // In the middle of a transaction: the server undoes it when the connection ends.
    home_.stop(*connection_, "a transaction was abandoned");
    release();
  }

  bool start(operation& op) noexcept override {
    try {
      if (connection_ == nullptr || !connection_->is_open())
        throw unavailable_error{"MySQL: the transaction's connection was lost"};
      start_detached(run(op));
      return true;
    } catch (...) {
      op.error = std::current_exception();
      return false;
    }
  }

  task<> script(std::string text) override {
    turn const mine{*this};
    co_await mine.come();
    if (!connection_->is_open()) throw unavailable_error{"MySQL: the transaction's connection was lost"};
    auto const undoes = text == "ROLLBACK" || text == "rollback";
    if (auto const doomed = connection_->doomed(); doomed && !undoes) std::rethrow_exception(doomed);
    connection_->retire_at = {};  // it may change its session in any way
    co_await home_.run_script(*connection_, std::move(text));
    if (undoes) connection_->forget_transaction();
  }

  task<> commit() override {
    // Not cancelled when the caller is, because it may have been done; but not waited for any longer than the caller
    // would have.
    auto const limit = time_of_a_commit(co_await this_context{});
    co_await uncancellable();
    std::exception_ptr error;
    {
      turn const mine{*this};
      co_await mine.come();
      try {
        if (auto const doomed = connection_->doomed()) std::rethrow_exception(doomed);
        co_await connection_->text("commit", limit);
      } catch (my_lost const& lost) {
        auto const text = "MySQL: the connection was lost at the commit (" + lost.why + ")";
        error = lost.may_be_done
                    ? std::make_exception_ptr(unknown_outcome_error{text + ": whether it was done is not known"})
                    : std::make_exception_ptr(unavailable_error{text});
      } catch (...) {
        error = std::current_exception();
      }
    }
    if (error && connection_->is_open()) co_await undo();
    release();
    if (error) std::rethrow_exception(error);
  }

  task<> rollback() override {
    if (connection_ == nullptr) co_return;
    co_await uncancellable();
    {
      turn const mine{*this};  // what was cancelled is over then, or its connection is closed
      co_await mine.come();
      if (connection_->is_open()) co_await undo();
    }
    release();
  }

 private:
  // Statements of one transaction come one after the other.
  class turn {
   public:
    explicit turn(my_transaction& of) : of_{of} { of_.line_.push_back(&called_); }
    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;
    ~turn() {
      auto const was_first = of_.line_.front() == &called_;
      std::erase(of_.line_, &called_);
      if (was_first && !of_.line_.empty()) of_.line_.front()->fire();
    }
    one_shot& called() const noexcept { return called_; }
    bool is_first() const noexcept { return of_.line_.front() == &called_; }
    task<> come() const {
      if (!is_first()) co_await called_;
    }

   private:
    my_transaction& of_;
    mutable one_shot called_;
  };

  task<> run(operation& op) {
    my_flight flight{.op = &op};
    flight.hook();
    rows found;
    std::exception_ptr error;
    {
      turn const mine{*this};
      if (!mine.is_first()) {
        flight.waiting = &mine.called();
        co_await mine.called();
        flight.waiting = nullptr;
      }
      if (flight.op == nullptr) co_return;
      auto const connection = connection_;
      connection->flight = &flight;
      try {
        found = co_await connection->execute(flight);
      } catch (my_lost const& lost) {
        error = std::make_exception_ptr(unavailable_error{"MySQL: the connection was lost: " + lost.why});
      } catch (...) {
        error = std::current_exception();
      }
      connection->flight = nullptr;
    }
    if (flight.op == nullptr) co_return;
    if (error)
      flight.fail(std::move(error));
    else
      flight.succeed(std::move(found));
  }

  std::chrono::steady_clock::duration time_of_a_commit(context const* caller) const {
    auto const most = home_.statement_limit();
    if (caller == nullptr) return most;
    return std::min(most, std::max(home_.answer_limit(), caller->deadline - std::chrono::steady_clock::now()));
  }

  task<> undo() {
    auto const undone = co_await connection_->try_text("rollback", home_.answer_limit());
    // Lost with its connection, it is undone by the server.
    if (!undone && connection_->is_open()) home_.stop(*connection_, "a transaction could not be rolled back");
  }

  void release() {
    connection_->forget_transaction();
    home_.release(std::exchange(connection_, nullptr), my_pool::purpose::transaction);
  }

  my_pool& home_;
  my_pool::lease connection_;
  std::vector<one_shot*> line_;
};

}  // namespace

std::unique_ptr<exclusive> make_my_transaction(my_pool& home, my_pool::lease connection) {
  return std::make_unique<my_transaction>(home, std::move(connection));
}

}  // namespace slipway::db::detail
