// The PostgreSQL engine: chooses the calling shard's part, and makes transactions of its connections.
#include <slipway/core/errors.hpp>
#include <slipway/db/engines.hpp>
#include <slipway/db/postgres_work.hpp>

#include <libpq-fe.h>

#include <thread>

namespace slipway::db::detail {
namespace {

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

  // Coroutines, so that the shard is the one that awaits them.
  task<> script(std::string text) override { co_await run_script_on(*shards_.local(), std::move(text)); }
  task<std::unique_ptr<copy_channel>> copy(std::string text, copy_direction direction) override {
    co_return co_await open_copy_on(*shards_.local(), std::move(text), direction);
  }
  task<std::unique_ptr<listener>> listen(std::vector<std::string> channels, std::size_t queue) override {
    co_return co_await shards_.local()->listen(std::move(channels), queue);
  }
  task<std::unique_ptr<exclusive>> begin(transaction_options options) override {
    co_return co_await begin_on(*shards_.local(), options);
  }
  task<> ping() override { co_await ping_on(*shards_.local(), place_); }

  db::usage use() const noexcept override {
    db::usage u;
    for (unsigned i = 0; i < shards_.size(); ++i) shards_[i]->counters().add_to(u);
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
