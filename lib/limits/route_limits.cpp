#include <slipway/limits/route_limits.hpp>

#include <slipway/content/builders.hpp>
#include <slipway/content/fields.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/limits/hidden.hpp>

#include <algorithm>
#include <stdexcept>

namespace slipway::limits {

route_limits::route_limits(redis::client& cache, fallback when_down, content::error_page page)
    : buckets_{cache}, when_down_{when_down}, page_{std::move(page)} {}

void route_limits::limit(http::route& r, content::rate_limit l) {
  if (l.count == 0) return;
  if (l.window.count() <= 0) throw std::invalid_argument{"the window of a rate limit must be above zero"};
  auto made = std::make_unique<rule>();
  auto const tokens = l.burst != 0 ? l.burst : l.count;
  made->shared.cost = std::max(std::chrono::microseconds{l.window} / l.count, std::chrono::microseconds{1});
  made->shared.span = made->shared.cost * tokens;
  auto const nanoseconds = static_cast<std::uint64_t>(made->shared.cost.count()) * 1000;
  made->own = {nanoseconds, nanoseconds * tokens};
  made->key = "limit:" + std::string{http::to_string(r.verb)} + " " + r.pattern + ":";
  made->policy = content::rate_limit_policy("route", l.count, l.window);
  made->salt = (r.index + 1) * 0x9e3779b97f4a7c15ull;
  if (rules_.size() <= r.index) rules_.resize(r.index + 1);
  rules_[r.index] = std::move(made);
  r.layers.insert(r.layers.begin(), this);
}

task<decision> route_limits::decide(http::exchange& x, rule const& r) {
  try {
    // By what the table in memory counts by: of an IPv6 address, its network.
    co_return co_await buckets_.take(r.key + hidden(std::to_string(x.request.peer.address_hash)), r.shared);
  } catch (redis::error const&) {  // the store answers, and not as it should: no better than none
    failures_.fetch_add(1, std::memory_order_relaxed);
    if (when_down_ == fallback::refuse) throw unavailable_error{"the store of the limits refuses its script"};
  } catch (unavailable_error const&) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    if (when_down_ == fallback::refuse) throw;
  }
  auto const wait = own_.take(x.request.peer.address_hash ^ r.salt, x.started_ticks, r.own);
  co_return decision{std::chrono::ceil<std::chrono::microseconds>(std::chrono::nanoseconds{wait}), 0};
}

task<> route_limits::around(http::exchange& x, http::handler const& next) {
  auto const& r = *rules_[x.route->index];
  decision made;
  if (enabled_.load(std::memory_order_relaxed)) made = co_await decide(x, r);
  if (made.wait.count() > 0)
    refuse_now(x, r, made.wait);
  else
    co_await next(x);
}

void route_limits::refuse_now(http::exchange& x, rule const& r, std::chrono::microseconds wait) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  auto const seconds = std::chrono::ceil<std::chrono::seconds>(wait);
  content::refuse(x, 429, "too_many_requests", page_);
  if (content::find_field(x.response, "Retry-After") == nullptr)
    x.response.add("Retry-After", x.copy(std::to_string(seconds.count())));
  x.response.add("RateLimit-Policy", r.policy);
  x.response.add("RateLimit", x.copy(content::rate_limit_state("route", 0, seconds)));
}

}  // namespace slipway::limits
