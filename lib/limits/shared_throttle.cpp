#include <slipway/limits/shared_throttle.hpp>

#include <slipway/limits/hidden.hpp>

namespace slipway::limits {
namespace {

// The server's time, and for each key how many failures there were and when the last was. What they mean is decided by
// the same rule as in memory.
constexpr char const* look = R"(
local time = redis.call('TIME')
local out = {time[1] * 1000000 + time[2]}
for i = 1, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'failures', 'last')
  out[#out + 1] = tonumber(found[1] or '0')
  out[#out + 1] = tonumber(found[2] or '0')
end
return out
)";

// Each count is forgotten as long after its last failure as the settings say.
constexpr char const* count = R"(
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
for i = 1, #KEYS do
  redis.call('HINCRBY', KEYS[i], 'failures', 1)
  redis.call('HSET', KEYS[i], 'last', now)
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return 1
)";

std::string key_of(char kind, std::string const& first, std::string const& second) {
  std::string text{kind};
  return "{throttle}:" + hidden(text.append(first).append(1, '\0').append(second));
}

}  // namespace

shared_throttle::shared_throttle(redis::client& cache, auth::throttle_settings settings, fallback when_down,
                                 auth::throttle& own)
    : cache_{cache}, settings_{settings}, when_down_{when_down}, own_{own}, ask_{look}, fail_{count} {
  ask_.repeatable();
}

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
    auto const found = (co_await cache_.eval(ask_, keys_of(account, address))).as_list();
    if (found.size() != 7)
      throw redis::error{"UNEXPECTED", "Redis: the script of the throttle answers with seven numbers"};
    auto const at = [&](std::size_t i) { return time_point{std::chrono::microseconds{found[i].as_integer()}}; };
    auto const count_at = [&](std::size_t i) {
      return auth::failure_count{static_cast<std::uint32_t>(found[i].as_integer()), at(i + 1)};
    };
    co_return auth::wait_after(settings_, count_at(1), count_at(3), count_at(5), at(0));
  } catch (...) {
    store_failed();
  }
  co_return co_await own_.ask(std::move(account), std::move(address));
}

task<> shared_throttle::failed(std::string account, std::string address) {
  try {
    redis::texts forget;
    forget.push_back(std::to_string(settings_.forget_after.count()));
    (void)co_await cache_.eval(fail_, keys_of(account, address), std::move(forget));
    co_return;
  } catch (...) {
    store_failed();
  }
  co_await own_.failed(std::move(account), std::move(address));
}

task<> shared_throttle::succeeded(std::string account, std::string address) {
  try {
    auto keys = keys_of(account, address);
    keys.pop_back();  // the address keeps its count
    (void)co_await cache_.del(std::move(keys));
    co_return;
  } catch (...) {
    store_failed();
  }
  co_await own_.succeeded(std::move(account), std::move(address));
}

}  // namespace slipway::limits
