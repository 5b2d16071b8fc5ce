// The PostgreSQL engine: chooses the calling shard's part, and makes transactions of its connections.
#include <slipway/core/errors.hpp>
#include <slipway/db/engines.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_call.hpp>
#include <slipway/db/postgres_transaction.hpp>

#include <thread>

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

constexpr auto enough = "raise max_connections, or lower database.pipelines, database.connections or runtime.shards.";

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
      throw startup_error{exit_code::unavailable, "database.url: PostgreSQL at " + place_ +
                                                      " refuses another connection: " + refused.what() +
                                                      ". It needs one for each shard and pipeline; " + enough};
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
      co_await text_call{*connection, std::move(text), operation_context, text_call::form::script};
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

  task<std::unique_ptr<copy_channel>> copy(std::string text, copy_direction direction) override {
    auto& mine = *shards_.local();
    auto* operation_context = co_await this_context{};
    auto connection = co_await mine.acquire();
    co_return co_await open_copy(&mine, std::move(connection), std::move(text), direction, operation_context);
  }

  task<std::unique_ptr<listener>> listen(std::vector<std::string> channels, std::size_t queue) override {
    return shards_.local()->listen(std::move(channels), queue);
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
    try {
      shared_call look{mine, "select 1", limit};
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
        auto const is_full = std::string_view{refused.what()}.find("slots") != std::string_view::npos ||
                             std::string_view{refused.what()}.find("too many") != std::string_view::npos;
        if (refused.is_final())
          throw startup_error{
              exit_code::config,
              what + ". Correct user, password, database, sslmode or sslrootcert in database.url, or the server."};
        if (attempt >= settings_.connect_attempts)
          throw startup_error{exit_code::unavailable,
                              what + ". Tried " + std::to_string(attempt) + " times; " +
                                  (is_full ? enough : "start the server or correct database.url.")};
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
