// Which server is the primary, and which replicas are fit to read from. On the first shard.
#include <slipway/db/postgres_cluster.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_work.hpp>

#include <algorithm>

namespace slipway::db::detail {
namespace {

using steady = std::chrono::steady_clock;

// A transaction that notes how far the log is when it has changed something.
class noted_transaction final : public exclusive {
 public:
  noted_transaction(pg_cluster_part& here, std::unique_ptr<exclusive> inside) noexcept
      : here_{here}, inside_{std::move(inside)} {}
  bool start(operation& op) noexcept override {
    wrote_ |= !op.what->reads;
    return inside_->start(op);
  }
  task<> script(std::string text) override {
    wrote_ = true;
    return inside_->script(std::move(text));
  }
  task<std::unique_ptr<copy_channel>> copy(std::string text, copy_direction direction) override {
    wrote_ |= direction == copy_direction::in;
    return inside_->copy(std::move(text), direction);
  }
  task<> commit() override {
    co_await inside_->commit();
    if (wrote_) co_await here_.note_write();
  }
  task<> rollback() override { return inside_->rollback(); }

 private:
  pg_cluster_part& here_;
  std::unique_ptr<exclusive> inside_;
  bool wrote_ = false;
};

class noted_copy final : public copy_channel {
 public:
  noted_copy(pg_cluster_part& here, std::unique_ptr<copy_channel> inside) noexcept
      : here_{here}, inside_{std::move(inside)} {}
  task<std::string> read() override { return inside_->read(); }
  task<> write(std::string_view data) override { return inside_->write(data); }
  task<std::int64_t> finish() override {
    auto const rows = co_await inside_->finish();
    co_await here_.note_write();
    co_return rows;
  }

 private:
  pg_cluster_part& here_;
  std::unique_ptr<copy_channel> inside_;
};

}  // namespace

bool pg_cluster::is_foreign(pg_server const& one) const noexcept {
  return system_ != 0 && one.last.system != 0 && one.last.system != system_;
}

bool pg_cluster::may_be_primary(pg_server const& one) const noexcept {
  return one.answers && !one.last.in_recovery && one.last.timeline >= timeline_ && one.last.asked >= lost_at_ &&
         !is_foreign(one);
}

void pg_cluster::on_sample(unsigned index, pg_sample const& sample) {
  auto& one = *servers_[index];
  one.last = sample;
  if (!one.answers.exchange(true))
    for (unsigned i = 0; i < parts_.size(); ++i)
      on_[i].post([part = parts_[i].get(), index] { part->came_back(index); });
  if (sample.in_recovery && sample.timeline != 0) one.proved = sample.timeline;
  one.position.store(sample.position, std::memory_order_relaxed);
  one.version.store(sample.version, std::memory_order_relaxed);
  if (system_ == 0) system_ = sample.system;
  if (!sample.in_recovery && !is_foreign(one)) timeline_ = std::max(timeline_, sample.timeline);
  if (static_cast<int>(index) == primary_.load(std::memory_order_relaxed)) {
    if (may_be_primary(one)) {
      history_.add(sample.asked, sample.position);
      learn_floor(sample);
    } else {
      lost_at_ = sample.asked;
      set_primary(-1);
    }
  }
  elect();
  judge(index);
  {
    std::lock_guard const lock{mutex_};
    one.was_heard_of = true;
    one.says_no = false;
  }
  changed_.notify_all();
}

void pg_cluster::on_lost(unsigned index, std::string const& why, bool is_final) {
  auto& one = *servers_[index];
  one.answers = false;
  one.readable.store(0, std::memory_order_relaxed);
  describe(one, server_part::unreachable, why);
  if (static_cast<int>(index) == primary_.load(std::memory_order_relaxed)) {
    lost_at_ = steady::now();
    set_primary(-1);
    for (auto const& each : servers_) each->watch->ask_now();
  }
  elect();
  {
    std::lock_guard const lock{mutex_};
    one.was_heard_of = true;
    one.says_no = is_final;
  }
  changed_.notify_all();
}

void pg_cluster::elect() {
  auto const now = primary_.load(std::memory_order_relaxed);
  if (now >= 0 && may_be_primary(*servers_[static_cast<std::size_t>(now)])) return;
  auto const found = std::ranges::find_if(servers_, [this](auto const& each) { return may_be_primary(*each); });
  if (found == servers_.end()) return;
  // Whoever answers may be the one that was promoted: all of them are heard first.
  if (std::ranges::any_of(servers_, [this](auto const& each) { return each->answers && each->last.asked < lost_at_; }))
    return;
  set_primary(static_cast<int>(found - servers_.begin()));
}

void pg_cluster::set_primary(int index) {
  auto const last = last_primary_.load(std::memory_order_relaxed);
  primary_.store(index, std::memory_order_relaxed);
  if (index >= 0) {
    last_primary_.store(index, std::memory_order_relaxed);
    if (last >= 0 && last != index) failovers_.fetch_add(1, std::memory_order_relaxed);
  }
  std::string const why =
      index >= 0 ? servers_[static_cast<std::size_t>(index)]->place + " is the primary now" : "the primary is gone";
  for (unsigned i = 0; i < parts_.size(); ++i)
    on_[i].post([part = parts_[i].get(), last, index, why] { part->on_primary(last, index, why); });
  for (unsigned i = 0; i < servers_.size(); ++i)
    if (servers_[i]->answers) judge(i);
}

void pg_cluster::judge(unsigned index) {
  auto& one = *servers_[index];
  auto const& sample = one.last;
  std::uint64_t readable = 0, lag_bytes = 0, lag_us = 0;
  if (is_foreign(one)) {
    describe(one, server_part::foreign, "it belongs to another cluster");
  } else if (static_cast<int>(index) == primary_.load(std::memory_order_relaxed)) {
    describe(one, server_part::primary, {});
  } else if (!sample.in_recovery) {
    describe(one, server_part::stale,
             sample.timeline < timeline_ ? "another server was promoted after it"
                                         : "it accepts writes, and another server is the primary");
  } else {
    auto const far = history_.latest();
    lag_bytes = far > sample.position ? far - sample.position : 0;
    lag_us = static_cast<std::uint64_t>(history_.lag_of(sample.position, sample.asked).count());
    auto const limit = std::chrono::microseconds{settings_.replica_lag};
    if (sample.timeline != 0 && timeline_ != 0 && sample.timeline != timeline_)
      describe(one, server_part::behind, "it follows a server that is not the primary");
    else if (timeline_ > 1 && one.proved != timeline_)
      // Places in the log of two timelines cannot be compared: beyond the fork, the same number is something else.
      describe(one, server_part::behind,
               "it has not been seen to follow this primary since that was promoted: it does not stream, or this user "
               "may not look (grant pg_read_all_stats)");
    else if (lag_bytes > settings_.replica_lag_bytes)
      describe(one, server_part::behind, "it is " + std::to_string(lag_bytes) + " bytes behind");
    else if (lag_us > static_cast<std::uint64_t>(limit.count()))
      describe(one, server_part::behind, "it is " + std::to_string(lag_us / 1000) + " ms behind");
    else {
      describe(one, server_part::replica, {});
      readable = sample.position;
    }
  }
  one.lag_bytes.store(lag_bytes, std::memory_order_relaxed);
  one.lag_us.store(lag_us, std::memory_order_relaxed);
  one.readable.store(readable, std::memory_order_relaxed);
}

void pg_cluster::describe(pg_server& one, server_part part, std::string detail) {
  one.part.store(part, std::memory_order_relaxed);
  std::lock_guard const lock{mutex_};
  one.detail = std::move(detail);
}

void pg_cluster::on_unknown_write() {
  std::lock_guard const lock{mutex_};
  floor_since_ = steady::now();
  floor_.store(nobody_knows, std::memory_order_relaxed);
}

void pg_cluster::learn_floor(pg_sample const& sample) {
  if (floor_.load(std::memory_order_relaxed) != nobody_knows) return;
  std::lock_guard const lock{mutex_};
  if (sample.asked > floor_since_) floor_.store(sample.position, std::memory_order_relaxed);
}

task<> pg_cluster::script(std::string text) {
  auto& mine = *parts_.local();
  auto* const to = co_await mine.primary();
  co_await run_script_on(*to, std::move(text));
  co_await mine.note_write();
}

task<std::unique_ptr<copy_channel>> pg_cluster::copy(std::string text, copy_direction direction) {
  auto& mine = *parts_.local();
  auto* const to = co_await mine.primary();
  auto inside = co_await open_copy_on(*to, std::move(text), direction);
  if (direction == copy_direction::out) co_return inside;
  co_return std::make_unique<noted_copy>(mine, std::move(inside));
}

task<std::unique_ptr<listener>> pg_cluster::listen(std::vector<std::string> channels, std::size_t queue) {
  auto* const to = co_await parts_.local()->primary();
  co_return co_await to->listen(std::move(channels), queue);
}

task<std::unique_ptr<exclusive>> pg_cluster::begin(transaction_options options) {
  auto place = co_await place_for(options.level, false);
  auto inside = std::make_unique<pg_transaction>(std::move(place), options.level, *this);
  co_return std::make_unique<noted_transaction>(*parts_.local(), std::move(inside));
}

task<pg_place> pg_cluster::begin_now(isolation level) { return place_for(level, true); }

task<pg_place> pg_cluster::place_for(isolation level, bool begun) {
  auto& mine = *parts_.local();
  // Nothing was done yet, so another server may do it.
  for (unsigned attempt = 0;; ++attempt) {
    auto* const to = co_await mine.primary();
    try {
      if (begun) co_return co_await begun_on(*to, level);
      co_return pg_place{to, co_await to->acquire()};
    } catch (unavailable_error const&) {
      if (attempt == servers_.size() || mine.primary_now() == to) throw;
    }
  }
}

task<> pg_cluster::ping() {
  auto const index = primary_.load(std::memory_order_relaxed);
  if (index < 0) throw unavailable_error{"PostgreSQL: no server is the primary"};
  auto const server = static_cast<unsigned>(index);
  co_await ping_on(parts_.local()->server(server), servers_[server]->place);
}

db::usage pg_cluster::use() const noexcept {
  db::usage u;
  for (unsigned i = 0; i < parts_.size(); ++i)
    for (unsigned server = 0; server < servers_.size(); ++server) parts_[i]->server(server).counters().add_to(u);
  return u;
}

replication_status pg_cluster::replication() const {
  replication_status out;
  auto get = [](std::atomic<std::uint64_t> const& c) { return c.load(std::memory_order_relaxed); };
  for (std::size_t server = 0; server < servers_.size(); ++server) {
    auto const& one = *servers_[server];
    server_status status{.place = one.place,
                         .part = one.part.load(std::memory_order_relaxed),
                         .position = get(one.position),
                         .lag_bytes = get(one.lag_bytes),
                         .lag = std::chrono::microseconds{get(one.lag_us)}};
    for (unsigned i = 0; i < parts_.size(); ++i) status.reads += parts_[i]->counted().reads[server].read();
    std::lock_guard const lock{mutex_};
    status.detail = one.detail;
    out.servers.push_back(std::move(status));
  }
  for (unsigned i = 0; i < parts_.size(); ++i) {
    auto const& c = parts_[i]->counted();
    out.not_replayed += c.not_replayed.read();
    out.no_replica += c.no_replica.read();
    out.asked_again += c.asked_again.read();
  }
  out.failovers = get(failovers_);
  return out;
}

}  // namespace slipway::db::detail
