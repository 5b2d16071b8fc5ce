#include <slipway/redis/replicas.hpp>

#include <slipway/redis/errors.hpp>
#include <slipway/redis/topology.hpp>

#include <algorithm>

namespace slipway::redis {
namespace {

using steady = std::chrono::steady_clock;

// One that does not answer for this long, or has just refused something, gets no reads.
constexpr std::chrono::milliseconds silence{500}, rest_time{1'000};

}  // namespace

replica_group::replica_group(surroundings const& around, std::shared_ptr<node> primary)
    : shared_{around.shared},
      home_{around.home},
      counts_{around.counts},
      tasks_{around.tasks},
      primary_{std::move(primary)},
      next_{static_cast<std::size_t>(around.shared.random.below(1024))} {}

void replica_group::set(std::vector<endpoint> const& all) {
  std::vector<std::shared_ptr<member>> now;
  for (auto const& at : all) {
    auto const found = std::ranges::find_if(members_, [&](auto const& each) { return each->where->to() == at; });
    if (found != members_.end()) {
      now.push_back(*found);
      continue;
    }
    auto const made = now.emplace_back(std::make_shared<member>());
    made->where = std::make_shared<node>(shared_, home_, counts_, tasks_, at, node::kind::replica);
    looked_at_ = {};
  }
  for (auto const& each : std::exchange(members_, std::move(now)))
    if (std::ranges::find(members_, each) == members_.end()) each->where->close("it is no replica any more");
  if (members_.empty()) problem_ = "its primary has none";
}

bool replica_group::is_fit(member const& one, steady::time_point now) const noexcept {
  return one.where->is_up() && one.seen == one.where->generation() && now >= one.rests_until &&
         one.covers != steady::time_point{} && now - one.covers <= shared_.settings.replica_lag &&
         (!one.asking || now - one.asked < silence);
}

std::shared_ptr<node> replica_group::pick() {
  auto const now = home_.coarse_now();
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (auto const& each = *members_[next_++ % members_.size()]; is_fit(each, now)) return each.where;
  return nullptr;
}

bool replica_group::rest(node const& which) noexcept {
  for (auto const& each : members_)
    if (each->where.get() == &which) {
      each->rests_until = home_.coarse_now() + rest_time;
      return true;
    }
  return false;
}

void replica_group::tick(steady::time_point now) {
  auto const keep = shared_from_this();
  for (auto const& each : std::vector{members_}) each->where->tick(now);
  if (closing_ || now - looked_at_ < shared_.settings.replica_check) return;
  looked_at_ = now;
  if (!asking_primary_ && primary_->is_up()) tasks_.start(look_at_primary(keep));
  for (auto const& each : std::vector{members_})
    if (!each->asking && each->where->is_up()) tasks_.start(look_at(keep, each));
}

task<std::optional<position>> replica_group::ask(std::shared_ptr<node> whom) {
  command question{"INFO"};
  question.arg("replication").reads();
  request r;
  r.parts = {&question, 1};
  r.give_up = steady::now() + shared_.settings.request_timeout;
  co_await call_node{*whom, r};
  try {
    if (r.error) std::rethrow_exception(r.error);
    if (r.answer.is_error()) throw_error(whom->to().text(), r.answer.text);
    co_return read_position(std::move(r.answer).as_text());
  } catch (std::runtime_error const& why) {
    problem_ = why.what();
  }
  co_return std::nullopt;
}

task<> replica_group::look_at_primary(std::shared_ptr<replica_group> me) {
  me->asking_primary_ = true;
  auto const asked = steady::now();
  auto where = co_await me->ask(me->primary_);
  me->asking_primary_ = false;
  if (where) me->known_.primary_was_at(std::move(*where), asked);
}

task<> replica_group::look_at(std::shared_ptr<replica_group> me, std::shared_ptr<member> one) {
  one->asking = true;
  one->asked = steady::now();
  auto const asked_on = one->where->generation();
  auto const where = co_await me->ask(one->where);
  one->asking = false;
  if (!where) co_return;
  one->covers = me->known_.covered_by(*where).value_or(steady::time_point{});
  one->seen = asked_on;
}

void replica_group::close(std::string const& why) noexcept {
  closing_ = true;
  for (auto const& each : std::vector{members_}) each->where->close(why);
}

std::string replica_group::problem() const {
  auto const now = home_.coarse_now();
  for (auto const& each : members_)
    if (each->where->is_up() && each->covers != steady::time_point{} &&
        now - each->covers > shared_.settings.replica_lag)
      return each->where->to().text() + " is further behind than redis.replica_lag";
  return problem_;
}

std::size_t replica_group::usable() const noexcept {
  auto const now = home_.coarse_now();
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [&](auto const& each) { return is_fit(*each, now); }));
}

std::size_t replica_group::depth() const noexcept {
  std::size_t sum = 0;
  for (auto const& each : members_) sum += each->where->depth();
  return sum;
}

steady::duration replica_group::lag() const noexcept {
  auto const now = home_.coarse_now();
  steady::duration most{};
  for (auto const& each : members_)
    if (each->where->is_up() && each->covers != steady::time_point{}) most = std::max(most, now - each->covers);
  return most;
}

}  // namespace slipway::redis
