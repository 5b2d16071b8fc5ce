// One transaction of PostgreSQL on a connection of the shard's pool.
#pragma once

#include <slipway/db/postgres_shard.hpp>

#include <memory>
#include <string>

namespace slipway::db::detail {

class pg_transaction final : public exclusive {
 public:
  pg_transaction(pg_shard& home, std::shared_ptr<pg_connection> connection) noexcept
      : home_{home}, connection_{std::move(connection)} {}
  // A connection in the middle of a transaction is closed, which undoes it.
  ~pg_transaction() override { release(); }

  pg_connection& connection() noexcept { return *connection_; }

  bool start(operation& op) noexcept override;
  task<> script(std::string text) override;
  task<std::unique_ptr<copy_channel>> copy(std::string text, copy_direction direction) override;
  task<> commit() override;
  task<> rollback() override;

 private:
  void release();

  pg_shard& home_;
  std::shared_ptr<pg_connection> connection_;
};

// A COPY on this connection, which is given back to `home` when it is over unless `home` is null.
task<std::unique_ptr<copy_channel>> open_copy(pg_shard* home, std::shared_ptr<pg_connection> connection,
                                              std::string text, link::copy_direction direction,
                                              context* operation_context);

}  // namespace slipway::db::detail
