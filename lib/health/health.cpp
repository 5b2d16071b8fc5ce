#include <slipway/health/health.hpp>

#include <slipway/core/assert.hpp>
#include <slipway/core/one_shot.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <mutex>
#include <stdexcept>

namespace slipway::health {

std::string_view to_string(state s) noexcept {
  switch (s) {
    case state::up: return "up";
    case state::degraded: return "degraded";
    case state::down: return "down";
  }
  return "down";
}

report report::without_details() const {
  auto out = *this;
  for (auto& c : out.checks) c.detail.clear();
  return out;
}

namespace {

using steady_time = std::chrono::steady_clock::time_point;

struct check {
  std::string name;
  std::chrono::milliseconds timeout;
  bool critical;
  std::function<task<>()> ask;
  // Under the mutex:
  check_result result{};
  steady_time found_out{};
  bool known = false;
  bool running = false;
};

// Somebody who waits for the checks, on its own shard. `shot` is null once it has stopped waiting.
struct waiter {
  shard* where;
  one_shot* shot;
};

}  // namespace

struct monitor::impl : std::enable_shared_from_this<monitor::impl> {
  // One call of one check. It may outlive its time-out, and even the wish of anybody to know.
  struct run {
    std::shared_ptr<impl> owner;
    check& of;
    boost::asio::steady_timer timer;
    steady_time began;
    context operation{};
    bool settled = false;
  };

  shard& home;
  settings config;
  clock_source const& clock;
  mutable std::mutex mutex{};
  std::vector<std::unique_ptr<check>> checks{};
  bool started = false, draining = false, refreshing = false;
  std::vector<std::shared_ptr<waiter>> waiters{};
  // On the home shard alone:
  std::vector<std::shared_ptr<run>> active{};
  std::size_t unsettled = 0;
  one_shot* on_idle = nullptr;

  impl(shard& h, settings s, clock_source const& c) : home{h}, config{s}, clock{c} {}

  bool stale(check const& c) const { return !c.known || clock.steady() - c.found_out >= config.keep; }
  report snapshot() const;

  void refresh();
  void begin(check& c);
  static task<> work(std::shared_ptr<run> r);
  void settle(run& r, state s, std::string detail);
  void finish_refresh();
};

report monitor::impl::snapshot() const {
  report out;
  auto const now = clock.steady();
  for (auto const& c : checks) {
    auto& r = out.checks.emplace_back(c->result);
    r.name = c->name;
    r.critical = c->critical;
    if (c->known) {
      r.age = std::chrono::duration_cast<std::chrono::milliseconds>(now - c->found_out);
    } else {
      r.status = state::down;
      r.detail = "not checked yet";
    }
    if (r.status == state::down) out.status = std::max(out.status, c->critical ? state::down : state::degraded);
  }
  if (!started || draining) {
    out.status = state::down;
    out.reason = draining ? "draining" : "starting";
  }
  return out;
}

void monitor::impl::refresh() {
  std::vector<check*> due;
  {
    std::lock_guard lock{mutex};
    for (auto const& c : checks) {
      if (!stale(*c)) continue;
      if (c->running) {  // it heeded no cancellation; asking a second time would only add to the trouble
        c->result.status = state::down;
        c->result.detail = "the last check has not come back";
        c->found_out = clock.steady();
        c->known = true;
      } else {
        c->running = true;
        due.push_back(c.get());
      }
    }
  }
  unsettled = due.size();
  if (due.empty()) return finish_refresh();
  for (auto* c : due) begin(*c);
}

void monitor::impl::begin(check& c) {
  auto r = std::make_shared<run>(shared_from_this(), c, boost::asio::steady_timer{home.io()}, clock.steady());
  active.push_back(r);
  r->operation.deadline = std::chrono::steady_clock::now() + c.timeout;
  r->timer.expires_after(c.timeout);
  r->timer.async_wait([r](boost::system::error_code error) {
    if (error || r->settled) return;
    r->owner->settle(*r, state::down, "no answer within " + std::to_string(r->of.timeout.count()) + " ms");
    r->operation.cancel(cancel_reason::deadline);
  });
  start_detached(work(r), &r->operation);
}

task<> monitor::impl::work(std::shared_ptr<run> r) {
  auto status = state::up;
  std::string detail;
  try {
    co_await r->of.ask();
  } catch (std::exception const& error) {
    status = state::down;
    detail = safe_detail(error.what());
  } catch (...) {
    status = state::down;
    detail = "an unknown error";
  }
  r->timer.cancel();
  auto& me = *r->owner;
  me.settle(*r, status, std::move(detail));
  {
    std::lock_guard lock{me.mutex};
    r->of.running = false;
  }
  std::erase(me.active, r);
  if (me.active.empty() && me.on_idle != nullptr) std::exchange(me.on_idle, nullptr)->fire();
}

void monitor::impl::settle(run& r, state s, std::string detail) {
  if (r.settled) return;
  r.settled = true;
  auto const now = clock.steady();
  {
    std::lock_guard lock{mutex};
    r.of.result.status = s;
    r.of.result.detail = std::move(detail);
    r.of.result.duration = std::chrono::duration_cast<std::chrono::microseconds>(now - r.began);
    r.of.found_out = now;
    r.of.known = true;
  }
  if (--unsettled == 0) finish_refresh();
}

void monitor::impl::finish_refresh() {
  std::vector<std::shared_ptr<waiter>> told;
  {
    std::lock_guard lock{mutex};
    refreshing = false;
    told.swap(waiters);
  }
  for (auto& w : told)
    w->where->post([w] {
      if (w->shot != nullptr) w->shot->fire();
    });
}

monitor::monitor(shard& home, settings s, clock_source const& clock) : impl_{std::make_shared<impl>(home, s, clock)} {}

monitor::~monitor() { bug(impl_->active.empty(), "a health monitor goes while its checks run: await stop() first"); }

void monitor::add(std::string name, std::chrono::milliseconds timeout, bool critical, std::function<task<>()> check_) {
  std::lock_guard lock{impl_->mutex};
  if (std::ranges::any_of(impl_->checks, [&](auto const& c) { return c->name == name; }))
    throw std::invalid_argument{"there is a health check '" + name + "' already"};
  impl_->checks.push_back(
      std::make_unique<check>(check{.name = std::move(name),
                                    .timeout = timeout.count() > 0 ? timeout : impl_->config.default_timeout,
                                    .critical = critical,
                                    .ask = std::move(check_)}));
}

void monitor::started() noexcept {
  std::lock_guard lock{impl_->mutex};
  impl_->started = true;
}

void monitor::draining() noexcept {
  std::lock_guard lock{impl_->mutex};
  impl_->draining = true;
}

report monitor::live() const { return {}; }

report monitor::startup() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->started ? report{} : report{.status = state::down, .reason = "starting"};
}

report monitor::last() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->snapshot();
}

task<report> monitor::ready() {
  auto const me = impl_;
  auto const waiting = std::make_shared<waiter>(&shard::current(), nullptr);
  one_shot done;
  {
    std::lock_guard lock{me->mutex};
    bool const due = std::ranges::any_of(me->checks, [&](auto const& c) { return me->stale(*c); });
    // A process that is not to get requests anyway asks nobody.
    if (!me->started || me->draining || !due) co_return me->snapshot();
    waiting->shot = &done;
    me->waiters.push_back(waiting);
    if (!std::exchange(me->refreshing, true)) me->home.post([me] { me->refresh(); });
  }
  struct leave {
    waiter& w;
    ~leave() { w.shot = nullptr; }
  } const on_leaving{*waiting};
  co_await done;
  std::lock_guard lock{me->mutex};
  co_return me->snapshot();
}

task<> monitor::stop() {
  auto const me = impl_;
  expect(&shard::current() == &me->home, "a health monitor is stopped on its home shard");
  draining();
  // A refresh that was asked for and has not begun must not begin after this.
  co_await sleep_for(std::chrono::milliseconds{0});
  auto const running = me->active;
  for (auto const& r : running) r->operation.cancel(cancel_reason::shutdown);
  if (me->active.empty()) co_return;
  one_shot idle;
  struct leave {
    impl& from;
    ~leave() { from.on_idle = nullptr; }
  } const on_leaving{*me};
  me->on_idle = &idle;
  co_await idle;
}

}  // namespace slipway::health
