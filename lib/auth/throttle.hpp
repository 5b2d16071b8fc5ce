// How long a login has to wait after failures: the more failures, the longer, up to a bound. Three counts are kept:
// for account and address together, for the account alone (many addresses guess one password) and for the address
// alone (one address tries many accounts). The account alone waits seconds at most, so that nobody can lock
// somebody else out.
//
//   if (auto wait = throttle.ask(email, address); wait > 0s) co_return fault::too_many_requests(wait);
//   ... verify the password ...
//   good ? throttle.succeeded(email, address) : throttle.failed(email, address);
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>
#include <slipway/core/task.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <cstdint>
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
};
// How long from `now` the next attempt has to wait: nothing for the first `free` failures, then `first`, doubled by
// each further failure, at most `longest`. A count older than `forget_after` weighs nothing; a clock that went back
// cannot make anybody wait longer than `longest`.
std::chrono::milliseconds delay_after(failure_count const& count, time_point now, std::uint32_t free,
                                      std::chrono::milliseconds first, std::chrono::milliseconds longest,
                                      std::chrono::milliseconds forget_after) noexcept;

// The three counts of one attempt by the rule of this file, rounded up to whole seconds.
std::chrono::seconds wait_after(throttle_settings const& settings, failure_count const& both,
                                failure_count const& account, failure_count const& address, time_point now) noexcept;

// Bounded memory: at most `entries` counters; when full, the ones that have been quiet longest go first. Keys are
// kept as keyed hashes, so no address or account name stays in memory. Any thread may use it.
class login_throttle {
 public:
  explicit login_throttle(throttle_settings settings, clock_source const& clock = system_clock(),
                          random_source& random = system_random());
  ~login_throttle();

  // Zero: go on. Else how long to wait, rounded up to whole seconds. Counts nothing.
  std::chrono::seconds ask(std::string_view account, std::string_view address);
  void failed(std::string_view account, std::string_view address);
  // Forgets the failures of account and address together, and of the account. The address keeps its count: logging
  // in to an account of one's own must not buy further guesses at others.
  void succeeded(std::string_view account, std::string_view address);
  std::size_t size() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// Where failures are counted: in this process, or in a store that several share (lib/limits). Throws what the store
// throws.
class throttle {
 public:
  virtual ~throttle() = default;
  virtual task<std::chrono::seconds> ask(std::string account, std::string address) = 0;
  virtual task<> failed(std::string account, std::string address) = 0;
  virtual task<> succeeded(std::string account, std::string address) = 0;
};

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

 private:
  login_throttle counts_;
};

}  // namespace slipway::auth

template <>
inline constexpr auto slipway::rules_of<slipway::auth::throttle_settings> = slipway::rules(
    slipway::field(&slipway::auth::throttle_settings::free_attempts)
        .minimum(1)
        .maximum(1000)
        .help("Failed logins from one address to one account before the first wait."),
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
