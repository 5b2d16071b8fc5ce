// One connection on its shard's loop: opened, logged in, and from then on a pipeline. Shared by many requests, or one
// session's own. For the .cpp files of this folder.
#pragma once

#include <slipway/redis/core.hpp>
#include <slipway/redis/pipeline.hpp>
#include <slipway/redis/stream.hpp>

#include <coroutine>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace slipway::redis {

// What a server says of itself (HELLO); empty where it does not know the command.
struct introduction {
  std::string version, mode, role;
};

class connection final : public std::enable_shared_from_this<connection>, stream::user {
 public:
  // reading: shared, of a replica that is only read from.
  enum class use : std::uint8_t { shared, reading, own, sentinel };

  // Throws connect_error.
  static task<std::shared_ptr<connection>> open(core const& shared, shard& home, endpoint to, use what);
  connection(core const& shared, shard& home, std::shared_ptr<stream> bytes, use what);
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;
  ~connection();

  // Called once, when the connection ends otherwise than by `close`.
  void on_lost(std::function<void(std::string const& why)> tell) { tell_ = std::move(tell); }
  // The request is known here until it is over.
  void submit(request& r);
  // Every 100 ms: requests whose time is over, a server that is silent, a sign of life.
  void tick(request::clock::time_point now);
  // For who goes on with the bytes by itself: the connection is over then, and its stream is not. Only while nothing
  // is in flight.
  std::shared_ptr<stream> hand_over() noexcept;
  // What is in flight fails.
  void close(std::string const& why) noexcept;

  bool is_open() const noexcept { return open_; }
  std::size_t load() const noexcept { return pipeline_.load(); }
  // A request of a connection of one's own was given up in the middle.
  bool is_dirty() const noexcept { return dirty_; }
  introduction const& about() const noexcept { return about_; }
  endpoint const& to() const noexcept { return stream_->to(); }

 private:
  void on_bytes(std::string_view bytes) override;
  void on_sent() override { flush(); }
  void on_closed(std::string const& why) override { end(why, true); }
  task<> introduce();
  void schedule();
  void flush();
  void give_up(request& r, std::exception_ptr why);
  void end(std::string const& why, bool tell) noexcept;
  std::exception_ptr late_error(request const& r, request::clock::time_point now) const;

  core const& shared_;
  shard& home_;
  std::shared_ptr<stream> stream_;
  pipeline pipeline_;
  use const use_;
  std::function<void(std::string const&)> tell_;
  introduction about_;
  request::clock::time_point quiet_since_{}, front_since_{};
  std::uint64_t seen_ = 0;
  bool open_ = true, scheduled_ = false, reading_ = false, dirty_ = false;
};

// Awaited: one request on one connection. What went wrong is in the request.
struct call_on {
  connection& on;
  request& what;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self);
  void await_resume() const noexcept {}
};

}  // namespace slipway::redis
