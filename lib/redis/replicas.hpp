// The replicas of one primary as one shard sees them: connected, asked how far they are, and chosen by turns among those
// that are near enough. For the .cpp files of this folder.
#pragma once

#include <slipway/redis/freshness.hpp>
#include <slipway/redis/node.hpp>

#include <memory>
#include <string>
#include <vector>

namespace slipway::redis {

struct surroundings;

class replica_group final : public std::enable_shared_from_this<replica_group> {
 public:
  replica_group(surroundings const& around, std::shared_ptr<node> primary);

  // The replicas as they are named now; connections to those that stay are kept.
  void set(std::vector<endpoint> const& all);
  // One that may be read from; null: none is near enough, and `problem` says why.
  std::shared_ptr<node> pick();
  // Something went wrong with this one: it is left alone for a moment. False: it is none of these.
  bool rest(node const& which) noexcept;
  void tick(request::clock::time_point now);
  void close(std::string const& why) noexcept;

  std::string problem() const;
  std::size_t usable() const noexcept;
  std::size_t depth() const noexcept;
  // How old an answer of these may be at most; of those that are connected and known, the oldest.
  request::clock::duration lag() const noexcept;

 private:
  struct member {
    std::shared_ptr<node> where;
    request::clock::time_point covers{};  // has everything that was written before
    request::clock::time_point asked{}, rests_until{};
    unsigned seen = 0;  // the connection on which that was said: another may lead to a server that was emptied
    bool asking = false;
  };
  bool is_fit(member const& one, request::clock::time_point now) const noexcept;
  static task<> look_at_primary(std::shared_ptr<replica_group> me);
  static task<> look_at(std::shared_ptr<replica_group> me, std::shared_ptr<member> one);
  task<std::optional<position>> ask(std::shared_ptr<node> whom);

  core const& shared_;
  shard& home_;
  counters& counts_;
  background_tasks& tasks_;
  std::shared_ptr<node> primary_;
  std::vector<std::shared_ptr<member>> members_;
  freshness known_;
  std::string problem_ = "none has been found yet";
  request::clock::time_point looked_at_{};
  std::size_t next_;
  bool asking_primary_ = false, closing_ = false;
};

}  // namespace slipway::redis
