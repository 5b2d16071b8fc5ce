// The masters of a cluster, by slot, and their replicas when those are read from. The map is read from any server that answers, and again when a server says that
// a slot has moved, when one is lost, and now and then.
#include <slipway/redis/errors.hpp>
#include <slipway/redis/replicas.hpp>
#include <slipway/redis/topology.hpp>

#include <algorithm>
#include <unordered_map>

namespace slipway::redis {
namespace {

using steady = std::chrono::steady_clock;

// How often the map is read when all is well, when something has moved, and when servers are missing.
constexpr std::chrono::milliseconds calm{30'000}, hasty{200};

class cluster final : public topology {
 public:
  explicit cluster(surroundings around)
      : around_{around}, wants_replicas_{around.shared.settings.read_from != read_from::primary} {
    owner_.fill(slot_map::nobody);
  }

  task<> open() override {
    co_await refresh();
    if (servers_.empty()) throw connect_error{"no server of the cluster serves any slot: is it set up?", false};
    std::string problem;
    bool up = false;
    for (auto const& each : std::vector{servers_}) {
      try {
        if (!each->is_up()) co_await each->open();
        up = true;
      } catch (connect_error const& why) {
        problem = each->to().text() + ": " + why.what();
      }
    }
    if (!up) throw connect_error{problem, false};
  }

  std::shared_ptr<node> find(int slot) override {
    if (slot == command::no_slot) {
      for (std::size_t i = 0; i < servers_.size(); ++i)
        if (auto const& each = servers_[(next_++) % servers_.size()]; each->is_up()) return each;
      return servers_.empty() ? nullptr : servers_.front();
    }
    auto const at = owner_[static_cast<std::size_t>(slot)];
    return at == slot_map::nobody ? nullptr : servers_[at];
  }

  // A command without a key is a question about one server, which a replica of any other would not answer better.
  std::shared_ptr<node> find_replica(int slot) override {
    if (!wants_replicas_) wants_replicas_ = hurry_ = true;
    auto const* const group = group_of(slot);
    return group != nullptr ? (*group)->pick() : nullptr;
  }
  std::string no_replica(int slot) const override {
    if (slot == command::no_slot) return "a command without a key is asked of a primary";
    auto const* const group = group_of(slot);
    return group != nullptr ? (*group)->problem() : "none has been found yet";
  }

  std::shared_ptr<node> follow(redirection const& to) override {
    auto const found = std::ranges::find_if(servers_, [&](auto const& each) { return each->to() == to.to; });
    auto at = static_cast<std::uint16_t>(found - servers_.begin());
    if (found == servers_.end()) servers_.push_back(make(to.to));
    if (!to.ask) {
      owner_[to.slot] = at;
      hurry_ = true;  // where one slot moved, others have
    }
    return servers_[at];
  }

  void suspect(node& which, std::string const&) override {
    for (auto const& [master, group] : groups_)
      if (group->rest(which)) return;
    hurry_ = true;
  }

  void tick(steady::time_point now) override {
    auto const all = servers_;
    for (auto const& each : all) {
      each->tick(now);
      if (!each->is_up()) hurry_ = true;
    }
    for (auto const& each : groups()) each->tick(now);
    std::erase_if(leaving_, [&](auto const& each) {
      each.what->tick(now);
      if (each.what->depth() != 0 && now < each.until) return false;
      each.what->close("the server left the cluster");
      return true;
    });
    if (refreshing_ || closing_ || now - refreshed_at_ < (hurry_ ? hasty : calm)) return;
    around_.tasks.start(refresh_again());
  }

  void close(std::string const& why) noexcept override {
    closing_ = true;
    for (auto const& each : std::vector{servers_}) each->close(why);
    for (auto const& each : groups()) each->close(why);
    for (auto const& each : std::exchange(leaving_, {})) each.what->close(why);
  }

  std::vector<std::shared_ptr<node>> masters() override {
    std::vector<bool> serves(servers_.size());
    for (auto const each : owner_)
      if (each != slot_map::nobody) serves[each] = true;
    std::vector<std::shared_ptr<node>> out;
    for (std::size_t i = 0; i < servers_.size(); ++i)
      if (serves[i]) out.push_back(servers_[i]);
    return out;
  }
  std::string describe() const override {
    return "cluster of " + std::to_string(servers_.size()) + " masters, known by " +
           around_.shared.target.servers.front().text();
  }
  std::size_t depth() const noexcept override {
    std::size_t sum = 0;
    for (auto const& each : servers_) sum += each->depth();
    for (auto const& [master, group] : groups_) sum += group->depth();
    return sum;
  }
  std::pair<std::size_t, steady::duration> replicas() const noexcept override {
    std::pair<std::size_t, steady::duration> out{};
    for (auto const& [master, group] : groups_) {
      out.first += group->usable();
      out.second = std::max(out.second, group->lag());
    }
    return out;
  }

 private:
  struct leaver {
    std::shared_ptr<node> what;
    steady::time_point until;
  };

  std::shared_ptr<node> make(endpoint const& at) {
    return std::make_shared<node>(around_.shared, around_.home, around_.counts, around_.tasks, at, node::kind::any);
  }

  std::shared_ptr<replica_group> const* group_of(int slot) const noexcept {
    if (slot == command::no_slot) return nullptr;
    auto const at = owner_[static_cast<std::size_t>(slot)];
    if (at == slot_map::nobody) return nullptr;
    auto const found = groups_.find(servers_[at].get());
    return found != groups_.end() ? &found->second : nullptr;
  }
  std::vector<std::shared_ptr<replica_group>> groups() const {
    std::vector<std::shared_ptr<replica_group>> out;
    for (auto const& [master, group] : groups_) out.push_back(group);
    return out;
  }

  task<> refresh_again() {
    try {
      co_await refresh();
    } catch (connect_error const&) {
      hurry_ = true;
    }
  }

  task<> refresh() {
    refreshing_ = true;
    struct leave {
      cluster& me;
      ~leave() {
        me.refreshing_ = false;
        me.refreshed_at_ = steady::now();
      }
    } const on_leaving{*this};
    around_.counts.refreshes.add();
    hurry_ = false;
    std::string problems;
    bool is_final = true;
    // Those that are connected first, in changing order; then the ones that the settings name.
    auto known = servers_;
    for (std::size_t i = 0; i < known.size(); ++i) {
      auto const& each = known[(next_++) % known.size()];
      if (!each->is_up()) continue;
      try {
        co_return take(co_await ask(*each));
      } catch (std::runtime_error const& why) {
        problems += each->to().text() + ": " + why.what() + "; ";
      }
      if (closing_) co_return;
    }
    for (auto const& at : around_.shared.target.servers) {
      try {
        auto const seed = make(at);
        co_await seed->open();
        auto map = co_await ask(*seed);
        if (closing_) {
          seed->close("the client is being closed");
          co_return;
        }
        keep_or_close(seed, map);
        co_return take(map);
      } catch (connect_error const& why) {
        problems += at.text() + ": " + why.what() + "; ";
        is_final = is_final && why.is_final();
      } catch (std::runtime_error const& why) {
        problems += at.text() + ": " + why.what() + "; ";
        is_final = false;
      }
      if (closing_) co_return;
    }
    problems.resize(problems.size() - 2);
    throw connect_error{problems, is_final};
  }

  task<slot_map> ask(node& whom) {
    auto shards = co_await ask(whom, "SHARDS");
    if (!shards.is_error()) co_return read_shards(std::move(shards), whom.to(), around_.shared.target.tls);
    if (!knows_no_shards(shards.text)) throw_error(whom.to().text(), shards.text);
    auto slots = co_await ask(whom, "SLOTS");
    if (slots.is_error()) throw_error(whom.to().text(), slots.text);
    co_return read_slots(std::move(slots), whom.to());
  }

  task<reply> ask(node& whom, std::string_view what) {
    command question{"CLUSTER"};
    question.arg(what).reads();
    request r;
    r.parts = {&question, 1};
    r.give_up = steady::now() + around_.shared.settings.connect_timeout;
    auto const ticking = around_.home.on_tick([&whom, this] { whom.tick(around_.home.coarse_now()); });
    co_await call_node{whom, r};
    if (r.error) std::rethrow_exception(r.error);
    co_return std::move(r.answer);
  }

  // The connection that was opened to ask is of use when the server is one of the masters.
  void keep_or_close(std::shared_ptr<node> const& seed, slot_map const& map) {
    auto const known = std::ranges::any_of(servers_, [&](auto const& each) { return each->to() == seed->to(); });
    if (!known && std::ranges::find(map.masters, seed->to()) != map.masters.end())
      servers_.push_back(seed);
    else
      seed->close("it was only asked for the map");
  }

  void take(slot_map const& map) {
    std::vector<std::shared_ptr<node>> now;
    for (auto const& at : map.masters) {
      auto const found = std::ranges::find_if(servers_, [&](auto const& each) { return each->to() == at; });
      now.push_back(found != servers_.end() ? *found : make(at));
    }
    auto const until = steady::now() + around_.shared.settings.request_timeout;
    for (auto const& each : servers_)
      if (std::ranges::find(now, each) == now.end()) leaving_.push_back({each, until});
    servers_ = std::move(now);
    owner_ = map.owner;
    if (wants_replicas_) take_replicas(map);
    if (std::ranges::find(owner_, slot_map::nobody) != owner_.end()) hurry_ = true;
  }

  void take_replicas(slot_map const& map) {
    std::unordered_map<node const*, std::shared_ptr<replica_group>> now;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      auto const found = groups_.find(servers_[i].get());
      auto const& group = now[servers_[i].get()] =
          found != groups_.end() ? found->second : std::make_shared<replica_group>(around_, servers_[i]);
      group->set(map.replicas[i]);
    }
    for (auto const& [master, group] : std::exchange(groups_, std::move(now)))
      if (!groups_.contains(master)) group->close("its master is none any more");
  }

  surroundings around_;
  std::vector<std::shared_ptr<node>> servers_;
  std::unordered_map<node const*, std::shared_ptr<replica_group>> groups_;  // by their masters; empty: not wanted
  std::array<std::uint16_t, slot_count> owner_;
  std::vector<leaver> leaving_;
  std::size_t next_ = 0;
  steady::time_point refreshed_at_{};
  bool wants_replicas_, refreshing_ = false, hurry_ = false, closing_ = false;
};

}  // namespace

std::unique_ptr<topology> make_cluster(surroundings around) { return std::make_unique<cluster>(around); }

}  // namespace slipway::redis
