// One server as one shard sees it: a shared connection that is opened again when it is lost, and a bounded pool of
// connections for those who need one of their own. For the .cpp files of this folder.
#pragma once

#include <slipway/core/one_shot.hpp>
#include <slipway/redis/connection.hpp>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace slipway::redis {

// What a shard waits for before it goes: everything that was started in the background.
class background_tasks {
 public:
  // Starts the work, which must not throw.
  void start(task<> work);
  task<> all_over();
  std::size_t running() const noexcept { return running_; }

 private:
  static task<> run(background_tasks& in, task<> work);
  std::size_t running_ = 0;
  one_shot* waiting_ = nullptr;
};

class node final : public std::enable_shared_from_this<node> {
 public:
  // master: a server that calls itself a replica is not accepted. replica: it is asked to serve reads.
  enum class kind : std::uint8_t { any, master, replica };
  node(core const& shared, shard& home, counters& counts, background_tasks& tasks, endpoint to, kind what);

  // Starts the request on the shared connection, or lets it wait a moment for one. False: it is over already.
  bool start(request& r) noexcept;
  // A connection of one's own, first come, first served. Throws unavailable_error and cancelled_error.
  task<std::shared_ptr<connection>> acquire();
  void release(std::shared_ptr<connection> used);

  // Opens the shared connection and waits for it. Throws connect_error.
  task<> open();
  // Gives the shared connection up, because the server is not what it was. At most once a second.
  void renew(std::string const& why);
  void tick(request::clock::time_point now);
  // Nothing is accepted any more; what is in flight fails.
  void close(std::string const& why) noexcept;

  bool is_up() const noexcept { return link_ != nullptr; }
  unsigned generation() const noexcept { return generation_; }  // of the shared connection: how many there were
  endpoint const& to() const noexcept { return to_; }
  introduction const& about() const noexcept { return about_; }
  std::size_t depth() const noexcept { return held_.size() + (link_ ? link_->load() : 0); }

 private:
  struct waiter {
    one_shot done;
    std::shared_ptr<connection> got;
    std::exception_ptr error;
    request::clock::time_point give_up;
  };

  connection::use shared_use() const noexcept {
    return kind_ == kind::replica ? connection::use::reading : connection::use::shared;
  }
  bool refuses(connection const& made) const { return kind_ == kind::master && made.about().role == "replica"; }
  void hold(request& r);
  void reconnect();
  task<> connect();
  task<> connect_own();
  void adopt(std::shared_ptr<connection> made);
  void lost(std::string const& why);
  void failed(connect_error const& why);
  void serve_waiters();
  void offer(std::shared_ptr<connection> idle);
  std::exception_ptr down() const;
  void fail_held(std::exception_ptr const& why) noexcept;

  core const& shared_;
  shard& home_;
  counters& counts_;
  background_tasks& tasks_;
  endpoint const to_;
  kind const kind_;

  std::shared_ptr<connection> link_;
  request_list held_;  // until there is a connection again
  introduction about_;
  bool connecting_ = false, closing_ = false;
  unsigned failures_ = 0, generation_ = 0;
  request::clock::time_point next_attempt_{}, down_since_{}, renewed_at_{};
  std::string last_error_ = "connecting";

  std::vector<std::shared_ptr<connection>> idle_, busy_;
  unsigned opening_own_ = 0;
  std::list<waiter*> waiters_;
};

// Awaited: one request on a node's shared connection. What went wrong is in the request.
struct call_node {
  node& on;
  request& what;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) {
    what.waiting = self;
    return on.start(what);
  }
  void await_resume() const noexcept {}
};

}  // namespace slipway::redis
