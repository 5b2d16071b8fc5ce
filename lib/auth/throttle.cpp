#include <slipway/auth/throttle.hpp>

#include <slipway/auth/key_state.hpp>
#include <slipway/core/errors.hpp>

#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>

namespace slipway::auth {

namespace {

bool forgotten(time_point when, time_point now, std::chrono::milliseconds forget_after) noexcept {
  return now - when >= forget_after;
}

// Several addresses guess at one account: their failures together are free this many times longer, and the wait stays
// short enough that the owner is only slowed down.
constexpr std::uint32_t account_factor = 4;
constexpr std::chrono::milliseconds longest_for_account{std::chrono::seconds{30}};
// One address may have many people behind it.
constexpr std::uint32_t address_factor = 10;

constexpr std::uint32_t most = 1'000'000;  // more says nothing new

using hashed_name = std::array<std::uint64_t, 2>;
struct first_word {
  std::size_t operator()(hashed_name const& n) const noexcept { return n[0]; }
};

}  // namespace

std::chrono::milliseconds delay_after(failure_count const& count, time_point now, std::uint32_t free,
                                      std::chrono::milliseconds first, std::chrono::milliseconds longest,
                                      std::chrono::milliseconds forget_after) noexcept {
  using std::chrono::milliseconds;
  std::uint64_t all = 0;
  time_point newest{};
  auto const weigh = [&](std::uint32_t number, time_point when) {
    if (number == 0 || forgotten(when, now, forget_after)) return;
    all += number;
    newest = std::max(newest, when);
  };
  weigh(count.failures, count.last);
  weigh(count.pending, count.asked);
  if (all < free) return milliseconds{0};
  auto wait = std::min(first, longest);
  for (auto more = all - free; more > 0 && wait < longest; --more) wait = std::min(wait * 2, longest);
  auto const left = wait - std::max(now - newest, time_point::duration::zero());
  return left > time_point::duration::zero() ? std::chrono::ceil<milliseconds>(left) : milliseconds{0};
}

std::array<throttle_bounds, 3> bounds_of(throttle_settings const& s) noexcept {
  return {{{s.free_attempts, s.longest_delay},
           {s.free_attempts * account_factor, std::min(longest_for_account, s.longest_delay)},
           {s.free_attempts * address_factor, s.longest_delay}}};
}

struct login_throttle::state {
  struct counter {
    hashed_name name;
    failure_count count;
    time_point touched() const noexcept { return std::max(count.last, count.asked); }
  };
  throttle_settings settings;
  clock_source const& clock;
  std::array<std::byte, 32> secret{};
  mutable std::mutex mutex{};
  std::list<counter> by_age{};  // what was touched longest ago first
  std::unordered_map<hashed_name, std::list<counter>::iterator, first_word> by_name{};

  hashed_name name_of(char kind, std::string_view account, std::string_view address) const {
    std::string text{kind};
    text += account;
    text += '\0';
    text += address;
    std::array<unsigned char, 32> out{};
    unsigned int size = 0;
    if (::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
               reinterpret_cast<unsigned char const*>(text.data()), text.size(), out.data(), &size) == nullptr)
      throw std::runtime_error{"HMAC failed: " + openssl_error()};
    hashed_name n{};
    std::memcpy(n.data(), out.data(), sizeof n);
    return n;
  }
  // In the order of bounds_of.
  std::array<hashed_name, 3> names_of(std::string_view account, std::string_view address) const {
    return {name_of('b', account, address), name_of('a', account, {}), name_of('i', {}, address)};
  }

  std::chrono::seconds wait_for(std::array<hashed_name, 3> const& names, time_point now) const {
    auto const bounds = bounds_of(settings);
    std::chrono::milliseconds longest{0};
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto const found = by_name.find(names[i]);
      if (found == by_name.end()) continue;
      longest = std::max(longest, delay_after(found->second->count, now, bounds[i].free, settings.first_delay,
                                              bounds[i].longest, settings.forget_after));
    }
    return std::chrono::ceil<std::chrono::seconds>(longest);
  }

  // The counter, made when there is none, without what weighs nothing any more.
  failure_count& touch(hashed_name const& name, time_point now) {
    auto found = by_name.find(name);
    if (found == by_name.end()) {
      make_room(now);
      by_age.push_back({.name = name});
      found = by_name.emplace(name, std::prev(by_age.end())).first;
    }
    by_age.splice(by_age.end(), by_age, found->second);
    auto& count = found->second->count;
    if (forgotten(count.last, now, settings.forget_after)) count.failures = 0;
    if (forgotten(count.asked, now, settings.forget_after)) count.pending = 0;
    return count;
  }

  void add_pending(hashed_name const& name, time_point now) {
    auto& count = touch(name, now);
    count.pending = std::min(count.pending + 1, most);
    count.asked = now;
  }

  void add_failure(hashed_name const& name, time_point now) {
    auto& count = touch(name, now);
    if (count.pending > 0) --count.pending;
    count.failures = std::min(count.failures + 1, most);
    count.last = now;
  }

  void drop_pending(hashed_name const& name) {
    auto const found = by_name.find(name);
    if (found == by_name.end()) return;
    auto& count = found->second->count;
    if (count.pending > 0) --count.pending;
    if (count.pending == 0 && count.failures == 0) forget(name);
  }

  // Drops what weighs nothing any more, a few at a time, and the oldest when the table is full.
  void make_room(time_point now) {
    for (int i = 0; i < 4 && !by_age.empty(); ++i) {
      auto const& oldest = by_age.front();
      if (by_age.size() < settings.entries && !forgotten(oldest.touched(), now, settings.forget_after)) return;
      by_name.erase(oldest.name);
      by_age.pop_front();
    }
  }

  void forget(hashed_name const& name) {
    auto const found = by_name.find(name);
    if (found == by_name.end()) return;
    by_age.erase(found->second);
    by_name.erase(found);
  }
};

login_throttle::login_throttle(throttle_settings settings, clock_source const& clock, random_source& random)
    : state_{new state{.settings = settings, .clock = clock}} {
  random.fill(state_->secret);
}
login_throttle::~login_throttle() = default;

std::chrono::seconds login_throttle::ask(std::string_view account, std::string_view address) {
  auto& s = *state_;
  auto const names = s.names_of(account, address);
  auto const now = s.clock.now();
  std::lock_guard lock{s.mutex};
  auto const wait = s.wait_for(names, now);
  if (wait.count() == 0)
    for (auto const& name : names) s.add_pending(name, now);
  return wait;
}

void login_throttle::failed(std::string_view account, std::string_view address) {
  auto& s = *state_;
  auto const names = s.names_of(account, address);
  auto const now = s.clock.now();
  std::lock_guard lock{s.mutex};
  for (auto const& name : names) s.add_failure(name, now);
}

void login_throttle::succeeded(std::string_view account, std::string_view address) {
  auto& s = *state_;
  auto const [both, account_alone, address_alone] = s.names_of(account, address);
  std::lock_guard lock{s.mutex};
  s.forget(both);
  s.forget(account_alone);
  s.drop_pending(address_alone);
}

void login_throttle::withdrawn(std::string_view account, std::string_view address) {
  auto& s = *state_;
  auto const names = s.names_of(account, address);
  std::lock_guard lock{s.mutex};
  for (auto const& name : names) s.drop_pending(name);
}

std::size_t login_throttle::size() const {
  std::lock_guard lock{state_->mutex};
  return state_->by_age.size();
}

task<result<bool>> attempt(throttle& in, std::string account, std::string address,
                           std::function<task<bool>()> const& compare) {
  if (auto const wait = co_await in.ask(account, address); wait.count() > 0)
    co_return fault::too_many_requests(wait, "too_many_attempts");
  std::exception_ptr failure;
  bool good = false, left = false;
  try {
    good = co_await compare();
  } catch (cancelled_error const&) {
    left = true;
    failure = std::current_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  co_await uncancellable();  // or the attempt would stay counted for who has left
  if (failure == nullptr) {
    co_await (good ? in.succeeded(account, address) : in.failed(account, address));
    co_return good;
  }
  try {
    co_await (left ? in.failed(account, address) : in.withdrawn(account, address));
  } catch (unavailable_error const&) {
    // The first failure is the one to tell; the attempt goes on counting as a failed one until it is forgotten.
  }
  std::rethrow_exception(failure);
}

}  // namespace slipway::auth
