// Which server a statement goes to.
#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_call.hpp>
#include <slipway/db/postgres_cluster.hpp>

#include <algorithm>

namespace slipway::db::detail {
namespace {

using steady = std::chrono::steady_clock;

// Awaited: the operation, on this server. What went wrong stays in the operation.
struct handed {
  pg_shard& to;
  operation& op;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) {
    if (op.of != nullptr && op.of->cancelled() != cancel_reason::none) throw cancelled_error{op.of->cancelled()};
    op.waiting = self;
    return to.start(op);
  }
  void await_resume() const noexcept {}
};

// Whether the primary may answer what a replica could not: not what runs too long anywhere, nor a number divided by
// zero.
bool may_differ_elsewhere(std::string_view state) noexcept { return state != "57014" && !state.starts_with("22"); }

constexpr auto how_far = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";

}  // namespace

pg_cluster_part::pg_cluster_part(pg_cluster& of, shard& home, blocking_pool& helpers)
    : cluster_{of}, home_{home}, counters_{of.servers_.size()}, ticker_{home.on_tick([this] { tick(); })} {
  for (auto const& each : of.servers_) {
    servers_.push_back(std::make_unique<pg_shard>(each->settings, home, helpers, *this));
    servers_.back()->listen_at([&of] {
      auto const last = of.last_primary_.load(std::memory_order_relaxed);
      return of.servers_[static_cast<std::size_t>(std::max(last, 0))]->settings;
    });
  }
}

pg_shard* pg_cluster_part::primary_now() noexcept {
  auto const index = cluster_.primary_.load(std::memory_order_relaxed);
  return index < 0 ? nullptr : servers_[static_cast<std::size_t>(index)].get();
}

// Negative: none that has replayed what the operation must see.
int pg_cluster_part::reader_for(operation const& op) noexcept {
  auto needed = op.of->written & ~unknown_write;
  if ((op.of->written & unknown_write) != 0) needed = std::max(needed, cluster_.floor_.load(std::memory_order_relaxed));
  auto const place_of = [this](std::size_t i) {
    return servers_[i]->has_pipeline() ? cluster_.servers_[i]->readable.load(std::memory_order_relaxed) : 0;
  };
  unsigned fit = 0;
  bool any = false;
  std::uint64_t furthest = 0;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    auto const place = place_of(i);
    any |= place != 0;
    if (place == 0 || place < needed) continue;
    ++fit;
    furthest = std::max(furthest, place);
  }
  if (fit == 0) {
    (any ? counters_.not_replayed : counters_.no_replica).add();
    return -1;
  }
  auto const least =
      cluster_.settings_.replica_policy == replica_policy::least_lag ? furthest : std::max<std::uint64_t>(1, needed);
  auto skip = turn_++ % fit;
  int last = -1;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    auto const place = place_of(i);
    if (place == 0 || place < least) continue;
    last = static_cast<int>(i);
    if (skip-- == 0) break;
  }
  return last;
}

bool pg_cluster_part::start(operation& op) noexcept {
  try {
    auto const* operation_context = op.of;
    auto const use = operation_context == nullptr ? replica_use::none : operation_context->replicas;
    if (!op.what->reads && use != replica_use::none) return launch(op, true);
    if (op.what->reads && use == replica_use::may_read)
      if (auto const index = reader_for(op); index >= 0) {
        counters_.reads[static_cast<std::size_t>(index)].add();
        if (servers_[static_cast<std::size_t>(index)]->start(op)) return true;
        counters_.asked_again.add();
        op.error = nullptr;
      }
    auto const index = cluster_.primary_.load(std::memory_order_relaxed);
    if (index < 0) return launch(op, false);
    if (op.what->reads) counters_.reads[static_cast<std::size_t>(index)].add();
    return servers_[static_cast<std::size_t>(index)]->start(op);
  } catch (...) {
    op.error = std::current_exception();
    return false;
  }
}

bool pg_cluster_part::launch(operation& op, bool notes) {
  auto* const before = std::exchange(launching_, &op);
  launch_failed_ = false;
  start_detached(carry(*this, op, op.waiting, notes), op.of);
  launching_ = before;
  return !std::exchange(launch_failed_, false);
}

task<> pg_cluster_part::carry(pg_cluster_part& me, operation& op, std::coroutine_handle<> asking, bool notes) {
  try {
    auto* const to = co_await me.primary();
    co_await handed{*to, op};
  } catch (...) {
    op.error = std::current_exception();
  }
  if (notes && !op.error) co_await me.note_write();
  if (me.launching_ == &op)
    me.launch_failed_ = true;  // `start` says so
  else
    asking.resume();  // the operation does not exist any more after this
}

bool pg_cluster_part::take(pg_shard& from, operation& op, std::string_view state) {
  // The primary's word counts, and its connection is waited for.
  if (closing_ || &from == primary_now() || !may_differ_elsewhere(state)) return false;
  counters_.asked_again.add();
  context::drop(op);
  // Later, because nobody may be resumed from here. Until then nobody knows the operation, so nobody ends it.
  home_.post([this, &op] { start_detached(carry(*this, op, op.waiting, false), op.of); });
  return true;
}

bool pg_cluster_part::answers(pg_shard const& server) const noexcept {
  for (std::size_t i = 0; i < servers_.size(); ++i)
    if (servers_[i].get() == &server) return cluster_.servers_[i]->answers.load(std::memory_order_relaxed);
  return false;
}

void pg_cluster_part::came_back(unsigned index) {
  if (!closing_) servers_[index]->came_back();
}

task<pg_shard*> pg_cluster_part::primary() {
  auto const began = steady::now();
  auto const* operation_context = co_await this_context{};
  for (;;) {
    if (closing_) throw unavailable_error{"PostgreSQL: the database is being closed"};
    if (auto* const now = primary_now()) co_return now;
    if (waiters_.size() >= cluster_.settings_.queue)
      throw unavailable_error{"PostgreSQL: no server is the primary, and " + std::to_string(waiters_.size()) +
                              " statements and transactions are waiting for one already"};
    waiter me;
    me.give_up = began + cluster_.settings_.acquire_timeout;
    me.deadline = operation_context != nullptr ? operation_context->deadline : steady::time_point::max();
    struct in_line {
      std::list<waiter*>& line;
      std::list<waiter*>::iterator place;
      ~in_line() { line.erase(place); }
    } const place{waiters_, waiters_.insert(waiters_.end(), &me)};
    co_await me.done;
    if (me.error) std::rethrow_exception(me.error);
  }
}

void pg_cluster_part::on_primary(int before, int now, std::string const& why) {
  if (closing_) return;
  if (before >= 0 && now < 0) servers_[static_cast<std::size_t>(before)]->hand_over();
  if (before >= 0 && now >= 0 && before != now) {
    servers_[static_cast<std::size_t>(before)]->fence(why);
    // They are known to the server that was the primary when they began.
    for (auto const& each : servers_) each->move_listeners();
  }
  if (now < 0) return;
  servers_[static_cast<std::size_t>(now)]->keep_one_ready(true);
  give_up(nullptr, steady::time_point::max());
}

// Ends the waiting of all whose time is over: with this error, or well.
void pg_cluster_part::give_up(std::exception_ptr const& why, steady::time_point now) {
  for (auto again = true; again;) {
    again = false;
    for (auto* each : waiters_) {
      if (each->done.fired() || std::min(each->give_up, each->deadline) > now) continue;
      each->error = why && each->deadline <= now && each->deadline < each->give_up
                        ? std::make_exception_ptr(cancelled_error{cancel_reason::deadline})
                        : why;
      each->done.fire();
      again = true;
      break;
    }
  }
}

void pg_cluster_part::tick() {
  if (waiters_.empty()) return;
  give_up(
      std::make_exception_ptr(unavailable_error{"PostgreSQL: no server is the primary for " +
                                                std::to_string(cluster_.settings_.acquire_timeout.count()) + " ms"}),
      home_.coarse_now());
}

task<> pg_cluster_part::note_write() {
  auto* const operation_context = co_await this_context{};
  if (operation_context == nullptr || operation_context->replicas == replica_use::none) co_return;
  try {
    auto const place = co_await position_now();
    operation_context->written = both_written(operation_context->written, place);
  } catch (std::exception const&) {
    // What was written stays written, and nobody knows where.
    operation_context->written |= unknown_write;
    cluster_.on_unknown_write();
  }
}

// One question for all who wrote before it is sent.
task<std::uint64_t> pg_cluster_part::position_now() {
  auto const mine = std::make_shared<question>();
  questions_.push_back(mine);
  if (!std::exchange(asking_, true)) start_detached(ask_positions(*this));
  co_await mine->done;
  if (mine->error) std::rethrow_exception(mine->error);
  co_return mine->position;
}

task<> pg_cluster_part::ask_positions(pg_cluster_part& me) {
  while (!me.questions_.empty()) {
    auto const all = std::exchange(me.questions_, {});
    std::uint64_t place = 0;
    std::exception_ptr error;
    try {
      auto* const primary = me.primary_now();
      if (primary == nullptr) throw unavailable_error{"PostgreSQL: no server is the primary"};
      context limit;
      limit.deadline = steady::now() + me.cluster_.settings_.acquire_timeout;
      shared_call question{*primary, how_far, limit};
      auto const answer = co_await question;
      place = static_cast<std::uint64_t>(answer[0].get<std::int64_t>(0));
    } catch (...) {
      error = std::current_exception();
    }
    for (auto const& each : all) {
      each->position = place;
      each->error = error;
      each->done.fire();
    }
  }
  me.asking_ = false;
}

void pg_cluster_part::close() {
  closing_ = true;
  ticker_ = {};
  for (auto const& each : servers_) each->close();
  give_up(std::make_exception_ptr(unavailable_error{"PostgreSQL: the database is being closed"}),
          steady::time_point::max());
}

}  // namespace slipway::db::detail
