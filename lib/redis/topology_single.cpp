#include <slipway/redis/topology.hpp>

namespace slipway::redis {
namespace {

class single final : public topology {
 public:
  explicit single(surroundings around)
      : only_{std::make_shared<node>(around.shared, around.home, around.counts, around.tasks,
                                     around.shared.target.servers.front(), node::kind::any)} {}

  task<> open() override { return only_->open(); }
  std::shared_ptr<node> find(int) override { return only_; }
  std::shared_ptr<node> find_replica(int) override { return nullptr; }
  std::string no_replica(int) const override {
    return "a server that stands alone names none: use redis+sentinel:// or redis+cluster://";
  }
  std::shared_ptr<node> follow(redirection const&) override { return only_; }
  // Behind a name that moves with the master (as clouds have it), a new connection finds the new one.
  void suspect(node& which, std::string const& why) override { which.renew(why); }
  void tick(request::clock::time_point now) override { only_->tick(now); }
  void close(std::string const& why) noexcept override { only_->close(why); }
  std::vector<std::shared_ptr<node>> masters() override { return {only_}; }
  std::string describe() const override { return only_->to().text(); }
  std::size_t depth() const noexcept override { return only_->depth(); }
  std::pair<std::size_t, request::clock::duration> replicas() const noexcept override { return {}; }

 private:
  std::shared_ptr<node> only_;
};

}  // namespace

std::unique_ptr<topology> make_single(surroundings around) { return std::make_unique<single>(around); }

}  // namespace slipway::redis
