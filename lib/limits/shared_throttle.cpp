#include <slipway/limits/shared_throttle.hpp>

#include <slipway/limits/hidden.hpp>

namespace slipway::limits {
namespace {

// The rule of auth::delay_after, here so that asking and counting are one step: the arguments are the microseconds after
// which a count is forgotten and of the first wait, then for each key how many are free and the longest wait. The tests
// hold it against the rule in memory. Answers how many microseconds to wait; nothing is counted then.
constexpr char const* admit = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local forget, first = tonumber(ARGV[1]), tonumber(ARGV[2])
local wait, counts = 0, {}
for i = 1, #KEYS do
  local free, longest = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  local found = redis.call('HMGET', KEYS[i], 'failures', 'last', 'pending', 'asked')
  local failures, last = tonumber(found[1] or '0'), tonumber(found[2] or '0')
  local pending, asked = tonumber(found[3] or '0'), tonumber(found[4] or '0')
  if now - last >= forget then failures = 0 end
  if now - asked >= forget then pending = 0 end
  if failures + pending >= free then
    local newest = 0
    if failures > 0 then newest = last end
    if pending > 0 then newest = math.max(newest, asked) end
    local delay = math.min(first, longest)
    local more = failures + pending - free
    while more > 0 and delay < longest do
      delay = math.min(delay * 2, longest)
      more = more - 1
    end
    wait = math.max(wait, delay - math.max(now - newest, 0))
  end
  counts[i] = {failures, pending + 1}
end
if wait > 0 then return wait end
for i = 1, #KEYS do
  redis.call('HSET', KEYS[i], 'failures', counts[i][1], 'pending', counts[i][2], 'asked', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[i], math.ceil(forget / 1000))
end
return 0
)";

// How it ended. Each count is forgotten as long after its last failure as the settings say.
constexpr char const* settle_it = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local how, forget = ARGV[1], tonumber(ARGV[2])
for i = 1, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'failures', 'last', 'pending')
  local failures, pending = tonumber(found[1] or '0'), math.max(tonumber(found[3] or '0') - 1, 0)
  if how == 'failed' then
    if now - tonumber(found[2] or '0') >= forget then failures = 0 end
    redis.call('HSET', KEYS[i], 'failures', failures + 1, 'last', string.format('%.0f', now), 'pending', pending)
    redis.call('PEXPIRE', KEYS[i], math.ceil(forget / 1000))
  elseif (how == 'succeeded' and i < 3) or failures + pending == 0 then
    redis.call('DEL', KEYS[i])
  else
    redis.call('HSET', KEYS[i], 'pending', pending)
  end
end
return 1
)";

std::string microseconds(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::microseconds{time}.count());
}

std::string key_of(char kind, std::string const& first, std::string const& second) {
  std::string text{kind};
  return "{throttle}:" + hidden(text.append(first).append(1, '\0').append(second));
}

}  // namespace

shared_throttle::shared_throttle(redis::client& cache, auth::throttle_settings settings, fallback when_down,
                                 auth::throttle& own)
    : cache_{cache}, settings_{settings}, when_down_{when_down}, own_{own}, ask_{admit}, settle_{settle_it} {}

// In one slot of a cluster, since one script handles the three: logins are few beside what one server can do.
redis::texts shared_throttle::keys_of(std::string const& account, std::string const& address) const {
  return {key_of('b', account, address), key_of('a', account, {}), key_of('i', {}, address)};
}

// In the place of a handler: returns when this process's own counts are to do instead.
void shared_throttle::store_failed() {
  auto const decide = [this] {
    failures_.fetch_add(1, std::memory_order_relaxed);
    return when_down_ == fallback::memory;
  };
  try {
    throw;
  } catch (redis::error const& refused) {
    if (!decide()) throw unavailable_error{refused.what()};
  } catch (unavailable_error const&) {
    if (!decide()) throw;
  }
}

task<std::chrono::seconds> shared_throttle::ask(std::string account, std::string address) {
  try {
    redis::texts arguments{microseconds(settings_.forget_after), microseconds(settings_.first_delay)};
    for (auto const& each : auth::bounds_of(settings_)) {
      arguments.push_back(std::to_string(each.free));
      arguments.push_back(microseconds(each.longest));
    }
    auto const answer = co_await cache_.eval(ask_, keys_of(account, address), std::move(arguments));
    co_return std::chrono::ceil<std::chrono::seconds>(std::chrono::microseconds{answer.as_integer()});
  } catch (...) {
    store_failed();
  }
  co_return co_await own_.ask(std::move(account), std::move(address));
}

task<bool> shared_throttle::settle(char const* how, std::string const& account, std::string const& address) {
  try {
    redis::texts arguments{std::string{how}, microseconds(settings_.forget_after)};
    (void)co_await cache_.eval(settle_, keys_of(account, address), std::move(arguments));
    co_return true;
  } catch (...) {
    store_failed();
  }
  co_return false;
}

task<> shared_throttle::failed(std::string account, std::string address) {
  if (!co_await settle("failed", account, address)) co_await own_.failed(std::move(account), std::move(address));
}

task<> shared_throttle::succeeded(std::string account, std::string address) {
  if (!co_await settle("succeeded", account, address)) co_await own_.succeeded(std::move(account), std::move(address));
}

task<> shared_throttle::withdrawn(std::string account, std::string address) {
  if (!co_await settle("withdrawn", account, address)) co_await own_.withdrawn(std::move(account), std::move(address));
}

}  // namespace slipway::limits
