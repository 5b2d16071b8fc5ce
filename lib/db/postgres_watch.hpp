// Asks one server, again and again and on a connection of its own, for its part and its place in the log. On one
// shard; for the cluster of PostgreSQL servers.
#pragma once

#include <slipway/db/postgres_connect.hpp>
#include <slipway/db/postgres_connection.hpp>
#include <slipway/runtime/blocking_pool.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace slipway::db::detail {

struct pg_sample {
  bool in_recovery = false;
  std::uint64_t position = 0;  // the end of the log; in recovery: of what is replayed
  std::uint32_t timeline = 0;  // in recovery: of what is received; 0: not told
  int version = 0;             // as libpq writes it: 150'004
  std::uint64_t system = 0;    // the same for all servers of a cluster; 0: not told
  std::chrono::steady_clock::time_point asked;
};

class pg_watch final : public pg_owner, public std::enable_shared_from_this<pg_watch> {
 public:
  struct parts {
    settings const& limits;
    shard& home;
    blocking_pool& helpers;
    std::function<void(pg_sample const&)> tell;
    // The server does not answer, or says no.
    std::function<void(std::string const& why, bool is_final)> tell_lost;
  };
  explicit pg_watch(parts p) : parts_{std::move(p)} {}

  void start();
  // Asks at once instead of after the pause.
  void ask_now();
  // Every 100 ms.
  void tick(std::chrono::steady_clock::time_point now);
  // Nothing is told any more.
  void close();

  void on_lost(pg_connection& connection, operation_list reads, std::string const& why) override;
  void stop_statement(pg_conn*) override {}  // the connection is given up instead

 private:
  static task<> run(std::shared_ptr<pg_watch> me);
  static task<> nap(std::shared_ptr<context> until, std::chrono::microseconds length);
  void wake(cancel_reason why);
  task<bool> connect();
  task<> ask_who_it_is();
  task<> ask();
  void give_up(std::string const& why, bool is_final);

  parts parts_;
  std::shared_ptr<pg_connection> connection_;
  std::shared_ptr<context> napping_;
  std::uint64_t system_ = 0;
  int version_ = 0;
  unsigned failures_ = 0;
  bool closed_ = false, hurry_ = false;
};

}  // namespace slipway::db::detail
