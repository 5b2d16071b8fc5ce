// What one shard has of a client: sends commands where they belong, follows redirections, repeats what may be repeated.
// For the .cpp files of this folder.
#pragma once

#include <slipway/redis/topology.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>
#include <vector>

namespace slipway::redis {

// What else a shard looks after: subscriptions.
class ward {
 public:
  virtual void tick(request::clock::time_point now) = 0;  // every 100 ms
  virtual void close(std::string const& why) noexcept = 0;

 protected:
  ~ward() = default;
};

class part {
 public:
  part(core const& shared, shard& home);
  part(part const&) = delete;
  part& operator=(part const&) = delete;

  // Before anything else; may be tried again. Throws connect_error.
  task<> open();
  // From here on connections are looked after, and opened again. Called by `open` when it succeeds.
  void begin();
  // Ends everything and waits until it is over.
  task<> close();

  // On the part of the shard that this runs on, which need not be the one that it is called on.
  static task<reply> run(per_shard<std::unique_ptr<part>>& parts, command c) { return send(parts, std::move(c), {}); }
  // All of them between MULTI and EXEC, in one piece. Nothing was done when this throws anything but lost_error,
  // unavailable_error and cancelled_error.
  static task<std::vector<reply>> run_block(per_shard<std::unique_ptr<part>>& parts, std::vector<command> all);
  task<reply> run_at(std::shared_ptr<node> where, command c);

  // The node for a slot; waits a moment for one. Throws unavailable_error.
  task<std::shared_ptr<node>> node_for(int slot);
  topology& places() noexcept { return *topology_; }
  counters& counts() noexcept { return counts_; }
  core const& shared() const noexcept { return shared_; }
  shard& home() const noexcept { return home_; }
  background_tasks& tasks() noexcept { return tasks_; }
  request::clock::time_point give_up_at(context const* operation) const noexcept;
  void check_slots(command const& c) const;
  // For the observer, if there is one.
  void tell(command const& c, node const* where, request::clock::time_point began, std::exception_ptr const& error,
            context* operation) const noexcept;
  void look_after(std::weak_ptr<ward> other) { others_.push_back(std::move(other)); }

 private:
  enum class verdict : std::uint8_t { final, again };
  struct attempt {
    std::shared_ptr<node> where;  // null: by slot
    read_from from = read_from::primary;
    bool asking = false, repeated = false, at_replica = false;
    unsigned redirections = 0, replicas_tried = 0;
    request::clock::time_point first_trouble = request::clock::time_point::max();
  };
  // One command, or when there are any, `block`.
  static task<reply> send(per_shard<std::unique_ptr<part>>& parts, command single, std::vector<command> block);
  // For a command that may be answered by a replica. Null: by the primary.
  task<std::shared_ptr<node>> replica_for(int slot, attempt& a);
  // The replica that was asked cannot say: who is asked next.
  task<verdict> judge_replica(request& r, attempt& a, node& asked);
  task<verdict> judge(request& r, attempt& a, std::shared_ptr<node> asked, bool may_repeat);
  bool has_patience(attempt& a) const;
  void tick();

  core const& shared_;
  shard& home_;
  counters counts_;
  background_tasks tasks_;
  std::unique_ptr<topology> topology_;
  std::vector<std::weak_ptr<ward>> others_;
  shard::ticker ticker_;
};

}  // namespace slipway::redis
