#include <slipway/limits/shared_buckets.hpp>

#include <algorithm>

namespace slipway::limits {
namespace {

// A bucket is one number: the moment at which it will be full again, by the server's clock. It is forgotten then.
constexpr char const* take_one = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, span = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
if full < now then full = now end
local moved = full + cost
if moved > now + span then return {moved - now - span, 0} end
redis.call('SET', KEYS[1], string.format('%.0f', moved), 'PX', math.ceil((moved - now) / 1000))
return {0, math.floor((now + span - moved) / cost)}
)";

}  // namespace

shared_buckets::shared_buckets(redis::client& cache) : cache_{cache}, script_{take_one} {}

task<decision> shared_buckets::take(std::string key, pace p) {
  auto const span = std::max(p.span, p.cost);
  redis::texts keys, arguments{std::to_string(p.cost.count()), std::to_string(span.count())};
  keys.push_back(std::move(key));
  auto const answer = (co_await cache_.eval(script_, std::move(keys), std::move(arguments))).as_list();
  if (answer.size() != 2) throw redis::error{"UNEXPECTED", "Redis: the script of a limit answers with two numbers"};
  co_return decision{std::chrono::microseconds{answer[0].as_integer()},
                     static_cast<std::uint64_t>(std::max<std::int64_t>(answer[1].as_integer(), 0))};
}

}  // namespace slipway::limits
