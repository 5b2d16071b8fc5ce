#include <slipway/content/rate_limit.hpp>

#include <slipway/content/builders.hpp>
#include <slipway/runtime/shard.hpp>

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace slipway::content {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::uint64_t second = 1'000'000'000;

std::chrono::seconds round_up(std::uint64_t nanoseconds) noexcept {
  return std::chrono::seconds{static_cast<std::int64_t>((nanoseconds + second - 1) / second)};
}

}  // namespace

// A bucket is one number: the moment at which it will be full again. A request moves it by the cost of one token, and is
// refused when it would lie further ahead than a full bucket takes to fill.
bucket_table::bucket_table(std::size_t slots)
    : sets_(std::bit_ceil(std::max<std::size_t>(slots, 4)) / 4), mask_{sets_.size() - 1} {}

inline bucket_table::slot* bucket_table::find(std::uint64_t key) noexcept {
  key |= 1;  // zero is a free slot
  for (auto& s : set_of(key).ways)
    if (s.key.load(relaxed) == key) return &s;
  return nullptr;
}

inline std::uint64_t bucket_table::take_from(slot& s, std::uint64_t now, pace p) noexcept {
  auto full_at = s.full_at.load(relaxed);
  for (;;) {
    auto const moved = (full_at > now ? full_at : now) + p.cost;
    if (moved > now + p.span) [[unlikely]]
      return moved - now - p.span;
    if (s.full_at.compare_exchange_weak(full_at, moved, relaxed)) [[likely]]
      return 0;
  }
}

void bucket_table::take_new(std::uint64_t key, std::uint64_t now, pace p) noexcept {
  key |= 1;
  auto& in = set_of(key);
  for (;;) {
    auto* fullest = &in.ways[0];
    auto earliest = fullest->full_at.load(relaxed);
    for (auto& s : std::span{in.ways}.subspan(1)) {
      auto const full_at = s.full_at.load(relaxed);
      if (full_at < earliest) {
        fullest = &s;
        earliest = full_at;
      }
    }
    // Whoever moves the time owns the slot; two that meet here for one address differ by a token at most.
    if (!fullest->full_at.compare_exchange_weak(earliest, now + p.cost, relaxed)) continue;
    fullest->key.store(key, relaxed);
    return;
  }
}

std::uint64_t bucket_table::take(std::uint64_t key, std::uint64_t now, pace p) noexcept {
  if (auto* s = find(key)) return take_from(*s, now, p);
  take_new(key, now, p);
  return 0;
}

std::uint64_t bucket_table::left(std::uint64_t key, std::uint64_t now, pace p) const noexcept {
  key |= 1;
  for (auto const& s : sets_[(key >> 20) & mask_].ways) {
    if (s.key.load(relaxed) != key) continue;
    auto const full_at = std::max(s.full_at.load(relaxed), now);
    return full_at - now >= p.span ? 0 : (p.span - (full_at - now)) / p.cost;
  }
  return p.span / p.cost;
}

rate_limiter::rate_limiter(rate_limit_settings settings, unsigned shards, error_page page)
    : settings_{settings}, shards_{std::max(shards, 1u)}, page_{std::move(page)}, exact_{settings.slots} {
  for (unsigned i = 0; i < shards_; ++i) {
    auto& p = *places_.emplace_back(std::make_unique<place>(settings.slots));
    p.everyone = make_rule(settings.everyone, "default", 0, false);
    p.enabled = settings.enabled;
  }
}

void rate_limiter::change_here(bool enabled, rate_limit everyone) {
  auto& p = here();
  p.everyone = make_rule(everyone, "default", 0, false);
  p.enabled = enabled;
}

rate_limiter::rule rate_limiter::make_rule(rate_limit l, std::string name, std::uint64_t salt, bool exact) const {
  if (l.count == 0) return {};
  if (l.window.count() <= 0) throw std::invalid_argument{"the window of a rate limit must be above zero"};
  auto const window = static_cast<std::uint64_t>(l.window.count()) * second;
  auto const cost = std::max<std::uint64_t>(window * (exact ? 1 : shards_) / l.count, 1);
  auto const policy = rate_limit_policy(name, l.count, l.window * (exact ? 1 : shards_));
  return {{cost, cost * (l.burst != 0 ? l.burst : l.count)}, salt, exact, policy, std::move(name), l.count};
}

void rate_limiter::limit(http::route const& r, rate_limit l) {
  if (routes_.size() <= r.index) routes_.resize(r.index + 1);
  // An odd multiple of a number with mixed bits keeps the buckets of different routes apart.
  auto const salt = (r.index + 1) * 0x9e3779b97f4a7c15ull;
  routes_[r.index] = std::make_unique<rule>(make_rule(l, "route", salt, settings_.exact_routes));
}

inline rate_limiter::place& rate_limiter::here() const noexcept {
  return *places_[shard::on_a_shard() ? shard::current().index() : 0];
}
inline bucket_table& rate_limiter::table_of(rule const& r) const noexcept { return r.exact ? exact_ : here().table; }

bool rate_limiter::before(http::exchange& x) {
  auto& mine = here();
  if (!mine.enabled) return true;
  rule const* r = &mine.everyone;
  if (x.route != nullptr && x.route->index < routes_.size() && routes_[x.route->index])
    r = routes_[x.route->index].get();
  if (r->pace.cost == 0) return true;
  auto* const bucket = (r->exact ? exact_ : mine.table).find(x.request.peer.address_hash ^ r->salt);
  if (bucket == nullptr) [[unlikely]]
    return admit_new(x, *r);
  auto const wait = bucket_table::take_from(*bucket, x.started_ticks, r->pace);
  if (wait != 0) [[unlikely]]
    return refuse_now(x, *r, wait);
  if (settings_.headers_always) [[unlikely]]
    return admit_and_tell(x, *r);
  return true;
}

bool rate_limiter::admit_new(http::exchange& x, rule const& r) const {
  table_of(r).take_new(x.request.peer.address_hash ^ r.salt, x.started_ticks, r.pace);
  return !settings_.headers_always || admit_and_tell(x, r);
}

bool rate_limiter::admit_and_tell(http::exchange& x, rule const& r) const {
  tell(x, r, table_of(r).left(x.request.peer.address_hash ^ r.salt, x.started_ticks, r.pace), r.pace.cost);
  return true;
}

bool rate_limiter::refuse_now(http::exchange& x, rule const& r, std::uint64_t wait) {
  refused_.fetch_add(1, relaxed);
  refuse(x, 429, "too_many_requests", page_);
  if (find_field(x.response, "Retry-After") == nullptr)
    x.response.add("Retry-After", x.copy(std::to_string(round_up(wait).count())));
  tell(x, r, 0, wait);
  return false;
}

void rate_limiter::tell(http::exchange& x, rule const& r, std::uint64_t left, std::uint64_t wait) const {
  x.response.add("RateLimit-Policy", x.copy(r.policy));  // the rule may change before the answer is out
  x.response.add("RateLimit", x.copy(rate_limit_state(r.name, left, round_up(wait))));
}

}  // namespace slipway::content
