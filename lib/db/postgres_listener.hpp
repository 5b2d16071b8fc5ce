// LISTEN on a connection of its own, on its shard's poller.
#pragma once

#include <slipway/core/one_shot.hpp>
#include <slipway/db/notifications.hpp>
#include <slipway/db/postgres_socket.hpp>
#include <slipway/runtime/blocking_pool.hpp>
#include <slipway/runtime/shard.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::db::detail {

class pg_listening final : public std::enable_shared_from_this<pg_listening>, pg_socket {
 public:
  // `where`: the server at the time; asked before each connection is opened.
  pg_listening(std::function<settings()> where, shard& home, blocking_pool& helpers, std::vector<std::string> channels,
               std::size_t queue);

  // The first connection. Throws unavailable_error, and error for a channel without a name.
  static task<> open(std::shared_ptr<pg_listening> me);
  static task<notification> next(std::shared_ptr<pg_listening> me);
  // Every 100 ms: whether the server still answers; another attempt to connect.
  void tick(std::chrono::steady_clock::time_point now);
  void close();
  // To another server, soon.
  void move();

 private:
  static task<> connect_again(std::shared_ptr<pg_listening> me);
  task<pg_handle> connect();
  void adopt(pg_handle connection);
  void ready(std::uint32_t events) noexcept override;
  bool read_once();
  bool take_answers();
  // Sends what libpq holds, now or when there is room. False: the connection is lost.
  bool write_out();
  bool has_more() const noexcept;
  void push(notification heard);
  void push_gap();
  void wake();
  void lost();

  std::function<settings()> where_;
  settings const settings_;
  shard& home_;
  blocking_pool& helpers_;
  std::vector<std::string> const channels_;
  std::size_t const limit_;
  std::deque<notification> heard_;
  one_shot* waiting_ = nullptr;
  bool connecting_ = false, closed_ = false, asked_ = false, moved_ = false;
  unsigned failures_ = 0;
  std::chrono::steady_clock::time_point last_sign_{}, asked_at_{}, next_attempt_{};
};

// What the application holds; its end is the end of the connection.
class pg_listener final : public listener {
 public:
  explicit pg_listener(std::shared_ptr<pg_listening> inside) noexcept : inside_{std::move(inside)} {}
  ~pg_listener() override { inside_->close(); }
  task<notification> next() override { return pg_listening::next(inside_); }

 private:
  std::shared_ptr<pg_listening> inside_;
};

}  // namespace slipway::db::detail
