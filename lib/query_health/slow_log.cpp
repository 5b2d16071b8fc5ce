#include <slipway/query_health/slow_log.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/repetition.hpp>
#include <slipway/query_health/own_connection.hpp>

#include <algorithm>

namespace slipway::query_health {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t most_waiting = 64, most_recent = 100, most_explained = 1'000;
constexpr std::chrono::milliseconds plan_limit{2'000};

}  // namespace

slow_log::slow_log(parts p)
    : parts_{std::move(p)},
      threshold_{parts_.limits.threshold.count() > 0 ? steady::duration{parts_.limits.threshold}
                                                     : steady::duration::max()},
      tokens_{static_cast<double>(parts_.limits.per_minute)},
      filled_at_{steady::now()},
      thread_{[this](std::stop_token const& stop) { work(stop); }} {}

slow_log::~slow_log() {
  thread_.request_stop();
  thread_.join();
  database_.reset();
}

// A bucket that fills in a minute.
bool slow_log::may_tell(steady::time_point now) {
  auto const most = static_cast<double>(parts_.limits.per_minute);
  auto const passed = std::chrono::duration<double>(now - std::exchange(filled_at_, now)).count();
  tokens_ = std::min(most, tokens_ + passed * most / 60);
  if (tokens_ < 1 || waiting_.size() >= most_waiting) return false;
  tokens_ -= 1;
  return true;
}

void slow_log::note(db::query_event const& event) noexcept try {
  auto& random = parts_.random != nullptr ? *parts_.random : system_random();
  auto const& clock = parts_.clock != nullptr ? *parts_.clock : system_clock();
  std::unique_lock lock{mutex_};
  ++count_;
  auto const chosen =
      parts_.limits.sample >= 1 || static_cast<double>(random.below(1'000'000)) < parts_.limits.sample * 1'000'000;
  if (!chosen || !may_tell(steady::now())) {
    ++left_out_;
    return;
  }
  pending one;
  one.what.sql = event.sql;
  one.what.place = db::repetition{.sql = {}, .at = event.at, .count = 0}.place();
  if (event.operation != nullptr) one.what.correlation_id = event.operation->correlation_id;
  one.what.at = clock.now();
  one.what.took = std::chrono::duration_cast<std::chrono::microseconds>(event.duration);
  one.what.rows = event.rows;
  one.what.error = event.error;
  one.what.left_out = std::exchange(left_out_, 0);
  one.signature.assign(event.signature.begin(), event.signature.end());
  waiting_.push_back(std::move(one));
  lock.unlock();
  changed_.notify_one();
} catch (std::bad_alloc const&) {
  std::lock_guard const lock{mutex_};
  ++left_out_;
}

void slow_log::work(std::stop_token const& stop) {
  for (;;) {
    pending one;
    {
      std::unique_lock lock{mutex_};
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      one = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (stop.stop_requested()) return;
    if (parts_.limits.explain && has_plan(one.what.sql) && !was_explained(one.what.sql)) explain(one);
    parts_.tell(one.what);
    std::lock_guard const lock{mutex_};
    recent_.push_front(std::move(one.what));
    if (recent_.size() > most_recent) recent_.pop_back();
  }
}

bool slow_log::was_explained(std::string const& sql) {
  auto const now = steady::now();
  auto const found = explained_.find(sql);
  if (found != explained_.end() && now - found->second < parts_.limits.explain_again) return true;
  if (explained_.size() >= most_explained) explained_.clear();
  explained_[sql] = now;
  return false;
}

void slow_log::explain(pending& one) {
  try {
    if (parts_.database.url.starts_with("sqlite::memory:"))
      throw unavailable_error{"a database in memory has one connection"};
    if (!loop_) loop_ = std::make_unique<shards>(1);
    if (!database_) database_.reset(new db::database{db::connect(own_connection(parts_.database, plan_limit), *loop_)});
    auto const found =
        loop_->run(query_health::explain(*database_, one.what.sql, std::move(one.signature), plan_limit));
    one.what.plan = found.text;
    one.what.advised = loop_->run(advise(*database_, found, parts_.limits.many_rows));
  } catch (std::exception const& why) {
    one.what.no_plan = why.what();
    explained_.erase(one.what.sql);
  }
}

std::vector<slow_statement> slow_log::recent() const {
  std::lock_guard const lock{mutex_};
  return {recent_.begin(), recent_.end()};
}

std::uint64_t slow_log::count() const {
  std::lock_guard const lock{mutex_};
  return count_;
}

}  // namespace slipway::query_health
