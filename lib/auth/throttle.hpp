// How long a login has to wait after failures: the more failures, the longer, up to a bound. Three counts are kept:
// for account and address together, for the account alone (many addresses guess one password) and for the address
// alone (one address tries many accounts). The account alone waits seconds at most, so that nobody can lock
// somebody else out.
//
// Comparing a password takes a while, so an attempt counts from the moment it is let in: as long as its end is not told
// it weighs what a failure weighs, and a burst of guesses gets no further than the same guesses one after the other.
//
//   auto const good = co_await attempt(throttle, email, address, [&] { return passwords.verify(...); });
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/fault.hpp>
#include <slipway/core/random.hpp>
#include <slipway/core/task.hpp>
#include <slipway/meta/description.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::auth {

struct throttle_settings {
  std::uint32_t free_attempts = 5;
  std::chrono::milliseconds first_delay{std::chrono::seconds{1}};
  std::chrono::milliseconds longest_delay{std::chrono::minutes{15}};
  std::chrono::milliseconds forget_after{std::chrono::hours{1}};
  std::uint32_t entries = 65536;
};
BOOST_DESCRIBE_STRUCT(throttle_settings, (), (free_attempts, first_delay, longest_delay, forget_after, entries))

// One counter, and the rule. Pure, so that a store that many machines share can use it as well.
struct failure_count {
  std::uint32_t failures = 0;
  time_point last{};
  std::uint32_t pending = 0;  // attempts whose end was not told yet
  time_point asked{};         // when the newest of these began
};
// How long from `now` the next attempt has to wait: nothing for the first `free` failures, then `first`, doubled by
// each further failure, at most `longest`. What is pending weighs as failures do. What is older than `forget_after`
// weighs nothing; a clock that went back cannot make anybody wait longer than `longest`.
std::chrono::milliseconds delay_after(failure_count const& count, time_point now, std::uint32_t free,
                                      std::chrono::milliseconds first, std::chrono::milliseconds longest,
                                      std::chrono::milliseconds forget_after) noexcept;

// What holds for the counts of account and address together, of the account alone, and of the address alone.
struct throttle_bounds {
  std::uint32_t free;
  std::chrono::milliseconds longest;
};
std::array<throttle_bounds, 3> bounds_of(throttle_settings const& settings) noexcept;

// Bounded memory: at most `entries` counters; when full, the ones that have been quiet longest go first. Keys are
// kept as keyed hashes, so no address or account name stays in memory. Any thread may use it.
class login_throttle {
 public:
  explicit login_throttle(throttle_settings settings, clock_source const& clock = system_clock(),
                          random_source& random = system_random());
  ~login_throttle();

  // Zero: go on, and tell one of the three below how it ended; the attempt is counted until then, under the same lock.
  // Else how long to wait, rounded up to whole seconds, and nothing is counted.
  std::chrono::seconds ask(std::string_view account, std::string_view address);
  void failed(std::string_view account, std::string_view address);
  // Forgets the failures of account and address together, and of the account. The address keeps its count: logging
  // in to an account of one's own must not buy further guesses at others.
  void succeeded(std::string_view account, std::string_view address);
  // Nothing was compared: as if it had not been asked.
  void withdrawn(std::string_view account, std::string_view address);
  std::size_t size() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// Where attempts are counted: in this process, or in a store that several share (lib/limits). As login_throttle; throws
// what the store throws.
class throttle {
 public:
  virtual ~throttle() = default;
  virtual task<std::chrono::seconds> ask(std::string account, std::string address) = 0;
  virtual task<> failed(std::string account, std::string address) = 0;
  virtual task<> succeeded(std::string account, std::string address) = 0;
  virtual task<> withdrawn(std::string account, std::string address) = 0;
};

// One attempt: too_many_requests, or what `compare` finds. The end is told in any case, also when the client leaves
// meanwhile: that counts as a failure, for the work was done. What `compare` throws otherwise (a store or the queue for
// hashing does not answer) says nothing about the password and does not count.
task<result<bool>> attempt(throttle& in, std::string account, std::string address,
                           std::function<task<bool>()> const& compare);

class throttle_in_memory final : public throttle {
 public:
  explicit throttle_in_memory(throttle_settings settings, clock_source const& clock = system_clock(),
                              random_source& random = system_random())
      : counts_{settings, clock, random} {}
  task<std::chrono::seconds> ask(std::string account, std::string address) override {
    co_return counts_.ask(account, address);
  }
  task<> failed(std::string account, std::string address) override {
    counts_.failed(account, address);
    co_return;
  }
  task<> succeeded(std::string account, std::string address) override {
    counts_.succeeded(account, address);
    co_return;
  }
  task<> withdrawn(std::string account, std::string address) override {
    counts_.withdrawn(account, address);
    co_return;
  }

 private:
  login_throttle counts_;
};

}  // namespace slipway::auth

template <>
inline constexpr auto slipway::rules_of<slipway::auth::throttle_settings> = slipway::rules(
    slipway::field(&slipway::auth::throttle_settings::free_attempts)
        .minimum(1)
        .maximum(1000)
        .help("Failed logins from one address to one account before the first wait; those under way count."),
    slipway::field(&slipway::auth::throttle_settings::first_delay)
        .minimum(100)
        .help("The first wait; it doubles with each further failure."),
    slipway::field(&slipway::auth::throttle_settings::longest_delay).minimum(1000).help("The longest wait."),
    slipway::field(&slipway::auth::throttle_settings::forget_after)
        .minimum(1000)
        .help("After this long without a failure the count starts anew."),
    slipway::field(&slipway::auth::throttle_settings::entries)
        .minimum(64)
        .maximum(16777216)
        .unit("counters")
        .help("How many counters are kept at most."));
