// Sentinels name the master; when they name another, that one is asked from then on.
// https://redis.io/docs/latest/develop/reference/sentinel-clients/
#include <slipway/redis/errors.hpp>
#include <slipway/redis/replicas.hpp>
#include <slipway/redis/topology.hpp>

#include <charconv>

namespace slipway::redis {
namespace {

using steady = std::chrono::steady_clock;

// How often the Sentinels are asked when all is well, and when it is not.
constexpr std::chrono::milliseconds calm{1'000}, hasty{100};

class sentinel final : public topology {
 public:
  explicit sentinel(surroundings around)
      : around_{around}, wants_replicas_{around.shared.settings.read_from != read_from::primary} {}

  task<> open() override { co_await look(true); }
  std::shared_ptr<node> find(int) override { return master_; }
  std::shared_ptr<node> follow(redirection const&) override { return master_; }
  std::shared_ptr<node> find_replica(int) override {
    if (!wants_replicas_) wants_replicas_ = hurry_ = true;
    return replicas_ ? replicas_->pick() : nullptr;
  }
  std::string no_replica(int) const override { return replicas_ ? replicas_->problem() : no_replica_; }

  void suspect(node& which, std::string const& why) override {
    if (replicas_ && replicas_->rest(which)) return;
    hurry_ = true;
    if (master_.get() == &which) which.renew(why);
  }

  void tick(steady::time_point now) override {
    if (auto const m = master_) {
      m->tick(now);
      if (!m->is_up()) hurry_ = true;
    }
    if (auto const r = replicas_) r->tick(now);
    if (auto const s = guide_) s->tick(now);
    if (looking_ || closing_ || now - looked_at_ < (hurry_ || master_ == nullptr ? hasty : calm)) return;
    around_.tasks.start(look_again());
  }

  void close(std::string const& why) noexcept override {
    closing_ = true;
    if (auto const s = std::exchange(guide_, nullptr)) s->close(why);
    if (auto const r = replicas_) r->close(why);
    if (auto const m = master_) m->close(why);
  }
  std::vector<std::shared_ptr<node>> masters() override {
    return master_ ? std::vector{master_} : std::vector<std::shared_ptr<node>>{};
  }
  std::string describe() const override {
    auto const& t = around_.shared.target;
    return "master " + t.master + " at " + (master_ ? master_->to().text() : "an unknown place") + " by " +
           std::to_string(t.servers.size()) + " Sentinels";
  }
  std::size_t depth() const noexcept override {
    return (master_ ? master_->depth() : 0) + (replicas_ ? replicas_->depth() : 0);
  }
  std::pair<std::size_t, steady::duration> replicas() const noexcept override {
    if (!replicas_) return {};
    return {replicas_->usable(), replicas_->lag()};
  }

 private:
  task<> look_again() {
    try {
      co_await look(false);
    } catch (connect_error const&) {
      hurry_ = true;  // the next tick tries again, and the counters tell
    }
  }

  // Asks one Sentinel after the other until one names a master that is one.
  task<> look(bool first) {
    looking_ = true;
    struct leave {
      sentinel& me;
      ~leave() {
        me.looking_ = false;
        me.looked_at_ = steady::now();
      }
    } const on_leaving{*this};
    around_.counts.refreshes.add();
    auto const& servers = around_.shared.target.servers;
    std::string problems;
    bool unknown_everywhere = true, refused = true;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      auto const& at = servers[(start_ + i) % servers.size()];
      try {
        auto const named = co_await ask(at);
        if (closing_) co_return;
        if (named) {
          co_await follow_to(*named);
          if (wants_replicas_ && !closing_ && master_ != nullptr) co_await try_to_find_replicas();
          start_ = (start_ + i) % servers.size();
          co_return;
        }
        refused = false;
        problems += at.text() + ": knows no master '" + around_.shared.target.master + "'; ";
      } catch (connect_error const& why) {
        problems += at.text() + ": " + why.what() + "; ";
        if (!why.is_final()) refused = unknown_everywhere = false;
      }
      guide_.reset();
    }
    problems.resize(problems.size() - 2);
    throw connect_error{problems, first && (refused || unknown_everywhere)};
  }

  task<std::optional<endpoint>> ask(endpoint at) {
    if (guide_ == nullptr || !guide_->is_open() || guide_->to() != at) {
      if (auto const old = std::exchange(guide_, nullptr)) old->close("another Sentinel is asked");
      auto made = co_await connection::open(around_.shared, around_.home, at, connection::use::sentinel);
      if (closing_) {
        made->close("the client is being closed");
        co_return std::nullopt;
      }
      guide_ = std::move(made);
    }
    auto answer = co_await ask_guide("GET-MASTER-ADDR-BY-NAME");
    try {
      auto const address = std::move(answer).as_texts();
      if (address.size() < 2) co_return std::nullopt;
      endpoint named{.host = address[0], .port = 0, .path = {}};
      std::from_chars(address[1].data(), address[1].data() + address[1].size(), named.port);
      co_return named;
    } catch (std::runtime_error const& why) {
      throw connect_error{why.what(), false};
    }
  }

  // What the Sentinel that was asked last says about the master.
  task<reply> ask_guide(std::string_view what) {
    command question{"SENTINEL"};
    question.arg(what).arg(around_.shared.target.master);
    request r;
    r.parts = {&question, 1};
    r.give_up = steady::now() + around_.shared.settings.connect_timeout;
    auto const asked = guide_;
    auto const ticking = around_.home.on_tick([&asked, this] { asked->tick(around_.home.coarse_now()); });
    co_await call_on{*asked, r};
    try {
      if (r.error) std::rethrow_exception(r.error);
      if (r.answer.is_error()) throw_error(asked->to().text(), r.answer.text);
    } catch (std::runtime_error const& why) {
      throw connect_error{why.what(), false};
    }
    co_return std::move(r.answer);
  }

  // The master is known by now, and serves whatever the Sentinels say of its replicas.
  task<> try_to_find_replicas() {
    try {
      co_await find_replicas();
    } catch (connect_error const& why) {
      no_replica_ = std::string{"the Sentinels do not name them: "} + why.what();
    }
  }
  // Those that a Sentinel takes for dead are named as well: whether one may be read from is seen at the replica.
  task<> find_replicas() {
    auto answer = co_await ask_guide("REPLICAS");
    if (closing_) co_return;
    if (replicas_ == nullptr || replicas_of_ != master_) {
      if (replicas_) replicas_->close("another server is the master now");
      replicas_ = std::make_shared<replica_group>(around_, master_);
      replicas_of_ = master_;
    }
    std::vector<endpoint> all;
    try {
      for (auto& each : std::move(answer).as_list()) {
        endpoint at{.host = {}, .port = 0, .path = {}};
        for (auto const& [name, value] : std::move(each).as_pairs()) {
          if (name == "ip") at.host = value;
          if (name == "port") std::from_chars(value.data(), value.data() + value.size(), at.port);
        }
        if (!at.host.empty() && at.port != 0 && at != master_->to()) all.push_back(std::move(at));
      }
    } catch (std::runtime_error const& why) {
      throw connect_error{why.what(), false};
    }
    replicas_->set(all);
  }

  task<> follow_to(endpoint named) {
    if (master_ != nullptr && master_->to() == named) {
      if (!master_->is_up()) co_return;  // it opens itself again
      hurry_ = false;
      co_return;
    }
    auto candidate =
        std::make_shared<node>(around_.shared, around_.home, around_.counts, around_.tasks, named, node::kind::master);
    try {
      co_await candidate->open();
    } catch (connect_error const& why) {
      throw connect_error{"the master " + named.text() + ": " + why.what(), why.is_final()};
    }
    if (!candidate->is_up()) throw connect_error{named.text() + " is no master yet", false};
    if (closing_) {
      candidate->close("the client is being closed");
      co_return;
    }
    hurry_ = false;
    if (auto const old = std::exchange(master_, std::move(candidate))) old->close("another server is the master now");
  }

  surroundings around_;
  std::shared_ptr<connection> guide_;  // to a Sentinel
  std::shared_ptr<node> master_, replicas_of_;
  std::shared_ptr<replica_group> replicas_;
  std::string no_replica_ = "the Sentinels have named none yet";
  std::size_t start_ = 0;
  steady::time_point looked_at_{};
  bool wants_replicas_, looking_ = false, hurry_ = false, closing_ = false;
};

}  // namespace

std::unique_ptr<topology> make_sentinel(surroundings around) { return std::make_unique<sentinel>(around); }

}  // namespace slipway::redis
