#include <slipway/auth/throttle.hpp>

#include <slipway/auth/key_state.hpp>

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

std::chrono::milliseconds delay_after(failure_count const& count, time_point now, std::uint32_t free,
                                      std::chrono::milliseconds first, std::chrono::milliseconds longest,
                                      std::chrono::milliseconds forget_after) noexcept {
  using std::chrono::milliseconds;
  auto const since = std::max(now - count.last, time_point::duration::zero());
  if (count.failures < free || since >= forget_after) return milliseconds{0};
  auto wait = std::min(first, longest);
  for (auto more = count.failures - free; more > 0 && wait < longest; --more) wait = std::min(wait * 2, longest);
  auto const left = wait - since;
  return left > time_point::duration::zero() ? std::chrono::ceil<milliseconds>(left) : milliseconds{0};
}

namespace {

// Several addresses guess at one account: their failures together are free this many times longer, and the wait stays
// short enough that the owner is only slowed down.
constexpr std::uint32_t account_factor = 4;
constexpr std::chrono::milliseconds longest_for_account{std::chrono::seconds{30}};
// One address may have many people behind it.
constexpr std::uint32_t address_factor = 10;

// The longest of three waits, each for a count of its own.
template <class Wait>
std::chrono::seconds longest_wait(throttle_settings const& s, Wait wait) {
  auto const longest_for_one = std::min(longest_for_account, s.longest_delay);
  return std::chrono::ceil<std::chrono::seconds>(
      std::max({wait(0, s.free_attempts, s.longest_delay), wait(1, s.free_attempts * account_factor, longest_for_one),
                wait(2, s.free_attempts * address_factor, s.longest_delay)}));
}

using hashed_name = std::array<std::uint64_t, 2>;
struct first_word {
  std::size_t operator()(hashed_name const& n) const noexcept { return n[0]; }
};

}  // namespace

std::chrono::seconds wait_after(throttle_settings const& settings, failure_count const& both,
                                failure_count const& account, failure_count const& address, time_point now) noexcept {
  failure_count const* const counts[]{&both, &account, &address};
  return longest_wait(settings, [&](int which, std::uint32_t free, std::chrono::milliseconds longest) {
    return delay_after(*counts[which], now, free, settings.first_delay, longest, settings.forget_after);
  });
}

struct login_throttle::state {
  struct counter {
    hashed_name name;
    failure_count count;
  };
  throttle_settings settings;
  clock_source const& clock;
  std::array<std::byte, 32> secret{};
  mutable std::mutex mutex{};
  std::list<counter> by_age{};  // the failure longest ago first
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
  hashed_name both(std::string_view account, std::string_view address) const { return name_of('b', account, address); }
  hashed_name account_alone(std::string_view account) const { return name_of('a', account, {}); }
  hashed_name address_alone(std::string_view address) const { return name_of('i', {}, address); }

  std::chrono::milliseconds wait_for(hashed_name const& name, std::uint32_t free, std::chrono::milliseconds longest,
                                     time_point now) const {
    auto const found = by_name.find(name);
    if (found == by_name.end()) return std::chrono::milliseconds{0};
    return delay_after(found->second->count, now, free, settings.first_delay, longest, settings.forget_after);
  }

  void add_failure(hashed_name const& name, time_point now) {
    auto found = by_name.find(name);
    if (found == by_name.end()) {
      make_room(now);
      by_age.push_back({.name = name});
      found = by_name.emplace(name, std::prev(by_age.end())).first;
    }
    auto& count = found->second->count;
    if (now - count.last >= settings.forget_after) count.failures = 0;
    count.failures = std::min(count.failures + 1, 1'000'000u);
    count.last = now;
    by_age.splice(by_age.end(), by_age, found->second);
  }

  // Drops what weighs nothing any more, a few at a time, and the oldest when the table is full.
  void make_room(time_point now) {
    for (int i = 0; i < 4 && !by_age.empty(); ++i) {
      auto const& oldest = by_age.front();
      if (by_age.size() < settings.entries && now - oldest.count.last < settings.forget_after) return;
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
  auto const b = s.both(account, address), a = s.account_alone(account), i = s.address_alone(address);
  hashed_name const* const names[]{&b, &a, &i};
  auto const now = s.clock.now();
  std::lock_guard lock{s.mutex};
  return longest_wait(s.settings, [&](int which, std::uint32_t free, std::chrono::milliseconds longest) {
    return s.wait_for(*names[which], free, longest, now);
  });
}

void login_throttle::failed(std::string_view account, std::string_view address) {
  auto& s = *state_;
  auto const b = s.both(account, address), a = s.account_alone(account), i = s.address_alone(address);
  auto const now = s.clock.now();
  std::lock_guard lock{s.mutex};
  for (auto const& name : {b, a, i}) s.add_failure(name, now);
}

void login_throttle::succeeded(std::string_view account, std::string_view address) {
  auto& s = *state_;
  auto const b = s.both(account, address), a = s.account_alone(account);
  std::lock_guard lock{s.mutex};
  s.forget(b);
  s.forget(a);
}

std::size_t login_throttle::size() const {
  std::lock_guard lock{state_->mutex};
  return state_->by_age.size();
}

}  // namespace slipway::auth
