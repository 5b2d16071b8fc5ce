// The MySQL and MariaDB engine: chooses the calling shard's pool, and makes transactions of its connections.
#include <slipway/core/errors.hpp>
#include <slipway/db/engines.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/mysql_pool.hpp>
#include <slipway/db/mysql_transaction.hpp>

#include <algorithm>
#include <thread>

namespace slipway::db::detail {
namespace {

using steady = std::chrono::steady_clock;

std::string begin_text(isolation level) {
  switch (level) {
    case isolation::standard: return "start transaction";
    case isolation::read_committed: return "set transaction isolation level read committed; start transaction";
    case isolation::repeatable_read: return "set transaction isolation level repeatable read; start transaction";
    case isolation::serializable: return "set transaction isolation level serializable; start transaction";
  }
  return "start transaction";
}

class my_engine final : public engine {
 public:
  my_engine(settings const& s, shards& on)
      : target_{make_target(s)}, on_{on}, place_{target_.address.place()}, pools_{on.size()} {
    description_ = first_contact() + " at " + place_;
    try {
      on.on_each([this](shard& each) { pools_.of(each) = std::make_unique<my_pool>(target_, each); });
      for (unsigned i = 0; i < on.size(); ++i) on.run(pools_[i]->warm(), i);
    } catch (my_refused const& refused) {
      shut_down();
      throw startup_error{exit_code::unavailable,
                          "database.url: the server at " + place_ + " refuses another connection: " + refused.what() +
                              ". It needs " + std::to_string((s.connections + s.pipelines) * on.size()) +
                              " (database.connections and database.pipelines for each shard); raise max_connections, "
                              "or lower one of them or runtime.shards."};
    } catch (...) {
      shut_down();
      throw;
    }
  }
  ~my_engine() override { shut_down(); }

  db::dialect kind() const noexcept override { return db::dialect::mysql; }
  std::string description() const override { return description_; }
  bool start(operation& op) noexcept override { return pools_.local()->start(op); }

  task<> script(std::string text) override {
    auto& mine = *pools_.local();
    auto connection = co_await mine.acquire(my_pool::purpose::statement);
    std::exception_ptr error;
    try {
      co_await mine.run_script(*connection, std::move(text));
    } catch (...) {
      error = std::current_exception();
    }
    // It may have left a transaction open, or changed its session in any way.
    connection->retire_at = {};
    mine.release(std::move(connection), my_pool::purpose::statement);
    if (error) std::rethrow_exception(error);
  }

  task<std::unique_ptr<exclusive>> begin(transaction_options options) override {
    auto& mine = *pools_.local();
    auto* operation_context = co_await this_context{};
    // An idle connection may have died without a word: the next one is tried then, nothing has been done yet.
    for (unsigned attempt = 0;; ++attempt) {
      auto connection = co_await mine.acquire(my_pool::purpose::transaction);
      std::exception_ptr error;
      bool again = false;
      try {
        co_await connection->text(begin_text(options.level), target_.settings.connect_timeout);
        if (operation_context != nullptr && operation_context->cancelled() != cancel_reason::none)
          error = std::make_exception_ptr(cancelled_error{operation_context->cancelled()});
      } catch (my_lost const& lost) {
        mine.was_lost(lost);
        again = attempt < target_.settings.connections;
        error = std::make_exception_ptr(unavailable_error{"MySQL: the connection was lost: " + lost.why});
      } catch (...) {
        error = std::current_exception();
      }
      if (!error) co_return make_my_transaction(mine, std::move(connection));
      if (connection->is_open()) connection->close("a transaction was not begun");
      mine.release(std::move(connection), my_pool::purpose::transaction);
      if (!again) std::rethrow_exception(error);
    }
  }

  task<> ping() override { co_await pools_.local()->sign_of_life(); }

  db::usage use() const noexcept override {
    db::usage u;
    for (unsigned i = 0; i < pools_.size(); ++i) pools_[i]->counters().add_to(u);
    return u;
  }

 private:
  static my_target make_target(settings const& s) {
    auto address = parse_mysql_url(s.url);
    auto tls = make_tls_context(address);
    return {std::move(address), s, std::move(tls)};
  }

  // Which server it is. Some patience with one that is just starting, none with one that says no.
  std::string first_contact() {
    for (unsigned attempt = 1;; ++attempt) {
      std::string server;
      try {
        on_.run(look(target_, on_[0], server));
        return server;
      } catch (my_refused const& refused) {
        auto const what = "database.url: cannot connect to MySQL at " + place_ + ": " + refused.what();
        if (refused.is_final())
          throw startup_error{exit_code::config,
                              what + ". Correct user, password, database or sslmode in database.url."};
        if (attempt >= target_.settings.connect_attempts)
          throw startup_error{exit_code::unavailable, what + ". Tried " + std::to_string(attempt) +
                                                          " times; start the server or correct database.url."};
        std::this_thread::sleep_for(std::chrono::milliseconds{100} * (1u << std::min(attempt, 5u)));
      }
    }
  }
  static task<> look(my_target& target, shard& on, std::string& server) {
    my_connection first{target, on};
    auto const watch = on.on_tick([&first] {
      if (first.silent_at <= steady::now()) first.close("it does not answer in time", true);
    });
    co_await first.open();
    server = first.server();
    co_await first.quit();
  }

  void shut_down() {
    for (unsigned i = 0; i < on_.size(); ++i)
      if (pools_[i]) on_.run(pools_[i]->close(), i);
    on_.on_each([this](shard& each) { pools_.of(each).reset(); });
  }

  my_target target_;
  shards& on_;
  std::string place_, description_;
  per_shard<std::unique_ptr<my_pool>> pools_;
};

}  // namespace

std::unique_ptr<engine> make_mysql(settings const& s, shards& on) { return std::make_unique<my_engine>(s, on); }

}  // namespace slipway::db::detail
