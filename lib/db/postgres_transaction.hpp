// One transaction of PostgreSQL on a connection of the shard's pool.
#pragma once

#include <slipway/db/postgres_shard.hpp>

#include <memory>
#include <string>

namespace slipway::db::detail {

// The server hears of it with its first statement: `begin` travels with that one.
class pg_transaction final : public exclusive {
 public:
  pg_transaction(pg_place place, isolation level, pg_beginnings& elsewhere);
  // A connection in the middle of a transaction is closed, which undoes it.
  ~pg_transaction() override { release(); }

  bool start(operation& op) noexcept override;
  task<> script(std::string text) override;
  task<std::unique_ptr<copy_channel>> copy(std::string text, copy_direction direction) override;
  task<> commit() override;
  task<> rollback() override;

 private:
  struct opening final : pg_opening {
    explicit opening(pg_transaction& transaction) noexcept : of_transaction{transaction} {}
    void begin_again(operation& first) noexcept override;
    pg_transaction& of_transaction;
    statement text;
    db::values none;
  };

  // Throws unavailable_error.
  void check() const;
  std::chrono::steady_clock::time_point soon() const;
  task<> begin_now();
  task<> repeat(operation& first);
  void release();

  pg_place place_;
  isolation const level_;
  pg_beginnings& elsewhere_;
  opening opening_{*this};
  bool has_begun_ = false;  // as far as we are concerned
};

// What begins a transaction.
std::string begin_text(isolation level);

// A COPY on this connection, which is given back to `home` when it is over unless `home` is null.
task<std::unique_ptr<copy_channel>> open_copy(pg_shard* home, std::shared_ptr<pg_connection> connection,
                                              std::string text, link::copy_direction direction,
                                              context* operation_context);

}  // namespace slipway::db::detail
