#include <slipway/redis/node.hpp>

#include <slipway/redis/errors.hpp>

#include <algorithm>

namespace slipway::redis {

using steady = std::chrono::steady_clock;

void background_tasks::start(task<> work) {
  ++running_;
  start_detached(run(*this, std::move(work)));
}

task<> background_tasks::run(background_tasks& in, task<> work) {
  {
    auto inside = std::move(work);  // gone before the end is told
    co_await std::move(inside);
  }
  if (--in.running_ == 0 && in.waiting_ != nullptr) in.waiting_->fire();
}

task<> background_tasks::all_over() {
  if (running_ == 0) co_return;
  one_shot over;
  waiting_ = &over;
  co_await over;
  waiting_ = nullptr;
}

node::node(core const& shared, shard& home, counters& counts, background_tasks& tasks, endpoint to, kind what)
    : shared_{shared},
      home_{home},
      counts_{counts},
      tasks_{tasks},
      to_{std::move(to)},
      kind_{what},
      down_since_{home.coarse_now()} {}

std::exception_ptr node::down() const {
  return std::make_exception_ptr(
      lost_error{"Redis at " + to_.text() + ": no connection: " + last_error_ + "; the command was not sent", false});
}

bool node::start(request& r) noexcept {
  try {
    if (r.of != nullptr && r.of->cancelled() != cancel_reason::none) throw cancelled_error{r.of->cancelled()};
    if (link_ != nullptr && link_->load() < shared_.settings.queue) [[likely]] {
      link_->submit(r);
      return true;
    }
    if (closing_) std::rethrow_exception(down());
    if (auto const waiting = link_ != nullptr ? link_->load() : held_.size(); waiting >= shared_.settings.queue) {
      counts_.refused.add();
      throw unavailable_error{"Redis at " + to_.text() + ": " + std::to_string(waiting) +
                              " commands are waiting already (redis.queue)"};
    }
    // Right after a loss it pays to wait; when the server stays away, the caller is told at once.
    if (link_ == nullptr && home_.coarse_now() - down_since_ > shared_.settings.outage_patience) {
      reconnect();
      std::rethrow_exception(down());
    }
    hold(r);
    return true;
  } catch (...) {
    r.error = std::current_exception();
    return false;
  }
}

void node::hold(request& r) {
  r.owner = this;
  r.where = request::place::held;
  if (r.of != nullptr) {
    r.fire = [](context::hook& h, cancel_reason why) {
      auto& me = static_cast<request&>(h);
      static_cast<node*>(me.owner)->held_.remove(me);
      fail(me, std::make_exception_ptr(cancelled_error{why}));
    };
    r.of->add(r);
  }
  held_.push(r);
  reconnect();
}

void node::reconnect() {
  if (closing_ || connecting_ || link_ != nullptr || home_.coarse_now() < next_attempt_) return;
  connecting_ = true;
  tasks_.start(connect());
}

task<> node::open() {
  connecting_ = true;
  try {
    auto made = co_await connection::open(shared_, home_, to_, shared_use());
    connecting_ = false;
    adopt(std::move(made));
  } catch (connect_error const& why) {
    connecting_ = false;
    failed(why);
    throw;
  }
}

task<> node::connect() {
  auto const keep = shared_from_this();
  try {
    auto made = co_await connection::open(shared_, home_, to_, shared_use());
    connecting_ = false;
    if (closing_)
      made->close("the client is being closed");
    else
      adopt(std::move(made));
  } catch (connect_error const& why) {
    connecting_ = false;
    failed(why);
  }
}

void node::failed(connect_error const& why) {
  counts_.connect_errors.add();
  last_error_ = why.what();
  // Doubling from 25 ms to 1 s.
  auto const most = std::chrono::milliseconds{25} * (1u << std::min(failures_++, 5u));
  next_attempt_ = steady::now() + shared_.jittered(std::min<std::chrono::milliseconds>(most, std::chrono::seconds{1}));
}

void node::adopt(std::shared_ptr<connection> made) {
  if (link_ != nullptr) return made->close("there is one already");
  if (refuses(*made)) {
    made->close("it is a replica");
    return failed(connect_error{"it is a replica", false});
  }
  link_ = std::move(made);
  ++generation_;
  about_ = link_->about();
  failures_ = 0;
  next_attempt_ = {};
  last_error_.clear();
  counts_.connects.add();
  counts_.open.add();
  // The connection may be lost while it is told of the loss of another: this node outlives both.
  link_->on_lost([me = weak_from_this()](std::string const& why) {
    if (auto const self = me.lock()) self->lost(why);
  });
  while (auto* r = held_.pop()) {
    context::drop(*r);
    link_->submit(*r);
  }
  serve_waiters();
}

void node::lost(std::string const& why) {
  link_.reset();
  counts_.lost.add();
  counts_.open.subtract();
  last_error_ = why;
  down_since_ = home_.coarse_now();
  // Those that wait idly are likely to be as dead as this one.
  for (auto const& each : std::exchange(idle_, {})) each->close(why);
  reconnect();
}

void node::renew(std::string const& why) {
  if (link_ == nullptr || home_.coarse_now() - renewed_at_ < std::chrono::seconds{1}) return;
  renewed_at_ = home_.coarse_now();
  auto const old = link_;
  lost(why);
  old->close(why);
}

void node::fail_held(std::exception_ptr const& why) noexcept {
  while (auto* r = held_.pop()) fail(*r, why);
}

task<std::shared_ptr<connection>> node::acquire() {
  auto* const operation = co_await this_context{};
  while (!idle_.empty()) {
    auto found = std::move(idle_.back());
    idle_.pop_back();
    if (!found->is_open()) continue;
    busy_.push_back(found);
    counts_.own.add();
    co_return found;
  }
  if (waiters_.size() >= shared_.settings.queue || closing_) {
    counts_.refused.add();
    throw unavailable_error{"Redis at " + to_.text() + ": " + std::to_string(waiters_.size()) +
                            " are waiting for a connection of their own already (redis.own_connections)"};
  }
  auto const began = steady::now();
  waiter me;
  me.give_up = began + shared_.settings.request_timeout;
  if (operation != nullptr) me.give_up = std::min(me.give_up, operation->deadline);
  struct in_line {
    std::list<waiter*>& line;
    std::list<waiter*>::iterator place;
    ~in_line() { line.erase(place); }
  };
  {
    in_line const place{waiters_, waiters_.insert(waiters_.end(), &me)};
    counts_.waits.add();
    serve_waiters();
    co_await me.done;
  }
  auto const waited = std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - began).count();
  counts_.wait_time_us.add(static_cast<std::uint64_t>(waited));
  if (me.error) std::rethrow_exception(me.error);
  co_return std::move(me.got);
}

// Opens what the waiting ask for, within the bound.
void node::serve_waiters() {
  if (closing_ || home_.coarse_now() < next_attempt_) return;
  auto const wanted = static_cast<unsigned>(
      std::ranges::count_if(waiters_, [](waiter const* w) { return w->got == nullptr && !w->error; }));
  while (opening_own_ < wanted && busy_.size() + opening_own_ < shared_.settings.own_connections) {
    ++opening_own_;
    tasks_.start(connect_own());
  }
}

task<> node::connect_own() {
  auto const keep = shared_from_this();
  std::shared_ptr<connection> made;
  try {
    made = co_await connection::open(shared_, home_, to_, connection::use::own);
  } catch (connect_error const& why) {
    failed(why);
  }
  --opening_own_;
  if (made == nullptr) co_return;
  counts_.connects.add();
  if (closing_ || refuses(*made)) {
    made->close("it is not wanted any more");
    co_return;
  }
  offer(std::move(made));
}

void node::offer(std::shared_ptr<connection> idle) {
  for (auto* each : waiters_) {
    if (each->got != nullptr || each->error) continue;
    busy_.push_back(idle);
    counts_.own.add();
    each->got = std::move(idle);
    return each->done.fire();
  }
  idle_.push_back(std::move(idle));
}

void node::release(std::shared_ptr<connection> used) {
  if (std::erase(busy_, used) != 0) counts_.own.subtract();
  if (closing_ || used->is_dirty()) used->close("its session is over");
  if (used->is_open())
    offer(std::move(used));
  else
    serve_waiters();
}

void node::tick(steady::time_point now) {
  auto const keep = shared_from_this();
  if (auto const link = link_) link->tick(now);
  auto const busy = busy_;
  for (auto const& each : busy) each->tick(now);

  // A coroutine that goes on may do anything, so the search begins again after each.
  for (;;) {
    auto* late = held_.first();
    while (late != nullptr && late->give_up > now) late = late->next;
    if (late == nullptr) break;
    held_.remove(*late);
    fail(*late, late->of != nullptr && late->of->deadline <= now
                    ? std::make_exception_ptr(cancelled_error{cancel_reason::deadline})
                    : down());
  }
  if (link_ == nullptr && now - down_since_ > shared_.settings.outage_patience) fail_held(down());

  for (auto again = true; again;) {
    again = false;
    for (auto* each : waiters_) {
      if (each->give_up > now || each->got != nullptr || each->error) continue;
      each->error = std::make_exception_ptr(unavailable_error{"Redis at " + to_.text() +
                                                              ": no connection of its own was free in time" +
                                                              (last_error_.empty() ? "" : ": " + last_error_)});
      each->done.fire();
      again = true;
      break;
    }
  }
  if (link_ == nullptr) reconnect();
  serve_waiters();
}

void node::close(std::string const& why) noexcept {
  if (closing_) return;
  auto const keep = shared_from_this();
  closing_ = true;
  last_error_ = why;
  if (auto const link = std::exchange(link_, nullptr)) {
    counts_.open.subtract();
    link->close(why);
  }
  fail_held(down());
  for (auto* list : {&idle_, &busy_})
    for (auto const& each : std::vector{*list}) each->close(why);
  idle_.clear();
  for (auto again = true; again;) {
    again = false;
    for (auto* each : waiters_) {
      if (each->got != nullptr || each->error) continue;
      each->error = down();
      each->done.fire();
      again = true;
      break;
    }
  }
}

}  // namespace slipway::redis
