// A connection of one's own, for what must not be mixed with others' commands: watched transactions, waiting for
// replicas, commands that block. Given back when the session goes; ended instead when it is in the middle of something.
#pragma once

#include <slipway/redis/commands.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace slipway::redis {

class part;
class node;
class connection;

class session final : public commands {
 public:
  session(part& on, std::shared_ptr<node> where, std::shared_ptr<connection> link);
  session(session&& other) noexcept;
  session& operator=(session&&) = delete;
  ~session();

  // Optimistic locking: `exec` does nothing when one of these keys was changed since.
  task<> watch(texts keys);
  task<> unwatch();
  // Between MULTI and EXEC. Nothing: a watched key was changed, and nothing was done.
  task<std::optional<std::vector<reply>>> exec(std::vector<command> all);
  // Waits until this many replicas have what this session has written, at most this long; how many have it. What Redis
  // promises then: those replicas have it in memory. A failover to another replica can still lose it.
  task<std::int64_t> wait_for_replicas(int count, milliseconds most);
  // A command that may take longer than redis.request_timeout.
  task<reply> run_long(command c, milliseconds most);

 private:
  task<reply> send(command c) override;
  task<std::vector<reply>> send_split(std::string_view name, texts keys, bool reads,
                                      std::vector<std::vector<std::size_t>>* places) override;
  task<reply> call(std::vector<command> parts, milliseconds more);

  part* on_;
  std::shared_ptr<node> where_;
  std::shared_ptr<connection> link_;
  bool watching_ = false;
};

}  // namespace slipway::redis
