// Leaves a host alone that fails most of the time: closed (calls pass), open (they do not), half open (a few pass to
// see whether it is well again). Without I/O and without a clock of its own.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace slipway::http_client {

struct breaker_settings {
  bool enabled = true;
  double failure_ratio = 0.5;  // of the calls in the window: opens
  unsigned least_calls = 20;   // in the window, before the ratio means anything
  std::chrono::milliseconds window{10'000};
  std::chrono::milliseconds open_for{5'000};  // before the first probe
  unsigned probes = 2;                        // at once while half open; that many successes close it
};

class circuit_breaker {
 public:
  using time = std::chrono::steady_clock::time_point;
  enum class state : std::uint8_t { closed, open, half_open };

  explicit circuit_breaker(breaker_settings s) noexcept : settings_{s} {}

  // May a call pass now? After true, exactly one of `success`, `failure` and `forget` (cancelled: says nothing about
  // the host) must follow.
  bool allow(time now) noexcept;
  void success(time now) noexcept;
  void failure(time now) noexcept;
  void forget(time now) noexcept;

  state current(time now) const noexcept;
  // How long until the next probe may pass; zero when not open.
  std::chrono::milliseconds wait(time now) const noexcept;

 private:
  static constexpr std::size_t slots = 10;
  struct slot {
    std::int64_t number = -1;
    unsigned calls = 0, failures = 0;
  };
  slot& slot_at(time now) noexcept;
  void open(time now) noexcept;
  void close() noexcept;

  breaker_settings settings_;
  std::array<slot, slots> window_{};
  state state_ = state::closed;
  time opened_{};
  unsigned probing_ = 0, probe_successes_ = 0;
};

}  // namespace slipway::http_client
