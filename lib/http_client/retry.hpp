// When a call may be made again, and how long to wait before. Pure decisions.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace slipway::http_client {

struct retry_settings {
  unsigned attempts = 3;                      // in all; 1: never again
  std::chrono::milliseconds first_wait{100};  // doubled each time; the wait is a random part of it (full jitter)
  std::chrono::milliseconds longest_wait{5'000};
  std::chrono::milliseconds longest_retry_after{10'000};  // a server that asks for more is not asked again
  bool internal_errors = false;                           // 500 as well, for services that mean "try again" by it
  double budget_ratio = 0.1;                              // retries for each request on average,
  double budget_burst = 10;                               // and how many may come at once
};

// RFC 9110, section 9.2.2.
bool is_idempotent(std::string_view method) noexcept;
// 429, 502, 503, 504.
bool is_retryable_status(int status) noexcept;
// RFC 9110, section 10.2.3: seconds or an HTTP date. Empty when it is neither; never below zero.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, time_point now) noexcept;
// Uniform in [0, min(longest_wait, first_wait * 2^(attempt-1))]; attempt counts from 1.
std::chrono::milliseconds backoff(retry_settings const& s, unsigned attempt, random_source& random);

// Keeps retries a small share of all requests, so that they cannot make an outage worse.
class retry_budget {
 public:
  explicit retry_budget(retry_settings const& s) noexcept
      : ratio_{s.budget_ratio}, burst_{s.budget_burst}, tokens_{s.budget_burst} {}
  void request_made() noexcept { tokens_ = tokens_ + ratio_ > burst_ ? burst_ : tokens_ + ratio_; }
  bool take() noexcept {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double ratio_, burst_, tokens_;
};

}  // namespace slipway::http_client
