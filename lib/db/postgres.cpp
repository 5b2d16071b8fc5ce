// The PostgreSQL engine: chooses the calling shard's part, and makes transactions of its connections.
#include <slipway/core/errors.hpp>
#include <slipway/db/engines.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_shard.hpp>

#include <thread>

namespace slipway::db::detail {
namespace {

// Awaited: one text without parameters on one connection. `operation_context` null: not to be cancelled.
class text_call : public operation {
 public:
  text_call(pg_connection& on, std::string sql, context* operation_context, bool is_script = false)
      : on_{on}, is_script_{is_script} {
    text_.sql = std::move(sql);
    what = &text_;
    parameters = &none_;
    of = operation_context;
  }
  text_call(text_call const&) = delete;
  text_call& operator=(text_call const&) = delete;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    waiting = self;
    if (of != nullptr && of->cancelled() != cancel_reason::none) throw cancelled_error{of->cancelled()};
    if (!on_.is_open()) throw unavailable_error{"PostgreSQL: the connection was lost"};
    if (is_script_)
      on_.submit_script(*this);
    else
      on_.submit(*this);
  }
  rows await_resume() {
    if (error) std::rethrow_exception(error);
    return std::move(answer);
  }

 private:
  pg_connection& on_;
  bool is_script_;
  statement text_;
  db::values none_;
};

std::string begin_text(isolation level) {
  switch (level) {
    case isolation::standard: return "begin";
    case isolation::read_committed: return "begin isolation level read committed";
    case isolation::repeatable_read: return "begin isolation level repeatable read";
    case isolation::serializable: return "begin isolation level serializable";
  }
  return "begin";
}

class pg_transaction final : public exclusive {
 public:
  pg_transaction(pg_shard& home, std::shared_ptr<pg_connection> connection) noexcept
      : home_{home}, connection_{std::move(connection)} {}
  ~pg_transaction() override {
    // A connection in the middle of a transaction is closed, which undoes it.
    if (connection_ != nullptr) home_.release(std::move(connection_));
  }

  pg_connection& connection() noexcept { return *connection_; }

  bool start(operation& op) noexcept override {
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

  task<> script(std::string text) override {
    auto* operation_context = co_await this_context{};
    co_await text_call{*connection_, "set local statement_timeout = 0",
                       operation_context};  // a migration may take its time
    co_await text_call{*connection_, std::move(text), operation_context, true};
  }

  task<> commit() override {
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

  task<> rollback() override {
    if (connection_ == nullptr) co_return;
    if (connection_->is_open() && !connection_->is_dirty()) {
      try {
        co_await text_call{*connection_, "rollback", nullptr};
      } catch (unavailable_error const&) {  // then the server has undone it
      } catch (db::error const&) {          // the connection is closed by `release`, as it is not idle
      }
    }
    release();
  }

 private:
  void release() {
    if (connection_ != nullptr) home_.release(std::exchange(connection_, nullptr));
  }

  pg_shard& home_;
  std::shared_ptr<pg_connection> connection_;
};

class pg_engine final : public engine {
 public:
  pg_engine(settings const& s, shards& on)
      : settings_{s},
        on_{on},
        place_{place_of(s)},
        helpers_{std::make_unique<blocking_pool>("postgres-help", blocking_pool::limits{.threads = 2, .queue = 4096})},
        shards_{on.size()} {
    std::vector<std::vector<pg_handle>> first(on.size());
    first[0].push_back(open_first());
    auto const version = PQserverVersion(first[0][0].get());
    description_ =
        "PostgreSQL " + std::to_string(version / 10'000) + "." + std::to_string(version % 10'000) + " at " + place_;
    try {
      for (auto& list : first)
        while (list.size() < s.pipelines) list.push_back(open_connection(settings_));
    } catch (connect_error const& refused) {
      throw startup_error{exit_code::unavailable,
                          "database.url: PostgreSQL at " + place_ + " refuses another connection: " + refused.what() +
                              ". It needs one for each shard and pipeline; raise max_connections, or lower "
                              "database.pipelines or runtime.shards."};
    }
    try {
      on.on_each([this, &first](shard& each) {
        shards_.of(each) = std::make_unique<pg_shard>(settings_, each, *helpers_, std::move(first[each.index()]));
      });
    } catch (...) {
      shut_down();
      throw;
    }
  }
  ~pg_engine() override { shut_down(); }

  db::dialect kind() const noexcept override { return db::dialect::postgres; }
  std::string description() const override { return description_; }
  bool start(operation& op) noexcept override { return shards_.local()->start(op); }

  task<> script(std::string text) override {
    auto& mine = *shards_.local();
    auto* operation_context = co_await this_context{};
    auto connection = co_await mine.acquire();
    std::exception_ptr error;
    try {
      co_await text_call{*connection, "set statement_timeout = 0", operation_context};
      co_await text_call{*connection, std::move(text), operation_context, true};
    } catch (...) {
      error = std::current_exception();
    }
    if (connection->is_open() && !connection->is_dirty()) {
      try {  // the script may have changed more of its session than this
        if (connection->in_transaction()) co_await text_call{*connection, "rollback", nullptr};
        co_await text_call{*connection,
                           "set statement_timeout = " + std::to_string(settings_.statement_timeout.count()), nullptr};
      } catch (unavailable_error const&) {  // `release` notices
      }
    }
    mine.release(std::move(connection));
    if (error) std::rethrow_exception(error);
  }

  task<std::unique_ptr<exclusive>> begin(transaction_options options) override {
    auto& mine = *shards_.local();
    auto* operation_context = co_await this_context{};
    // An idle connection may have died without a word: the next one is tried then, nothing has been done yet.
    for (unsigned attempt = 0;; ++attempt) {
      auto made = std::make_unique<pg_transaction>(mine, co_await mine.acquire());
      try {
        co_await text_call{made->connection(), begin_text(options.level), operation_context};
        co_return made;
      } catch (unavailable_error const&) {
        if (attempt >= settings_.connections) throw;
      }
    }
  }

  task<> ping() override {
    auto& mine = *shards_.local();
    mine.check();
    context limit;
    limit.deadline = std::chrono::steady_clock::now() + settings_.connect_timeout;
    class one_call final : public operation {
     public:
      explicit one_call(pg_shard& on, context& limited) : on_{on} {
        text_.sql = "select 1";
        text_.reads = true;
        what = &text_;
        parameters = &none_;
        of = &limited;
      }
      bool await_ready() const noexcept { return false; }
      bool await_suspend(std::coroutine_handle<> self) {
        waiting = self;
        return on_.start(*this);
      }
      void await_resume() const {
        if (error) std::rethrow_exception(error);
      }

     private:
      pg_shard& on_;
      statement text_;
      db::values none_;
    };
    try {
      one_call look{mine, limit};
      co_await look;
    } catch (cancelled_error const&) {
      throw unavailable_error{"PostgreSQL at " + place_ + " does not answer in time"};
    }
  }

  db::usage use() const noexcept override {
    db::usage u;
    auto get = [](pg_counters::counter const& c) { return c.load(std::memory_order_relaxed); };
    for (unsigned i = 0; i < shards_.size(); ++i) {
      auto const& c = shards_[i]->counters();
      u.queries += get(c.queries);
      u.errors += get(c.errors);
      u.waits += get(c.waits);
      u.wait_time_us += get(c.wait_time_us);
      u.refused += get(c.refused);
      u.connects += get(c.connects);
      u.reconnects += get(c.reconnects);
      u.open += static_cast<std::uint32_t>(get(c.open));
      u.in_use += static_cast<std::uint32_t>(get(c.in_use));
    }
    return u;
  }

 private:
  // Some patience with a server that is just starting, none with one that says no.
  pg_handle open_first() {
    for (unsigned attempt = 1;; ++attempt) {
      try {
        return open_connection(settings_);
      } catch (connect_error const& refused) {
        auto const what = "database.url: cannot connect to PostgreSQL at " + place_ + ": " + refused.what();
        if (refused.is_final())
          throw startup_error{exit_code::config,
                              what + ". Correct user, password, database or sslmode in database.url."};
        if (attempt >= settings_.connect_attempts)
          throw startup_error{exit_code::unavailable, what + ". Tried " + std::to_string(attempt) +
                                                          " times; start the server or correct database.url."};
        std::this_thread::sleep_for(std::chrono::milliseconds{100} * (1u << std::min(attempt, 5u)));
      }
    }
  }

  void shut_down() {
    on_.on_each([this](shard& each) {
      if (auto& mine = shards_.of(each)) mine->close();
    });
    helpers_.reset();  // its last jobs have sent word to their shards by now
    on_.on_each([this](shard& each) { shards_.of(each).reset(); });
  }

  settings const settings_;
  shards& on_;
  std::string place_, description_;
  std::unique_ptr<blocking_pool> helpers_;
  per_shard<std::unique_ptr<pg_shard>> shards_;
};

}  // namespace

std::unique_ptr<engine> make_postgres(settings const& s, shards& on) { return std::make_unique<pg_engine>(s, on); }

}  // namespace slipway::db::detail
