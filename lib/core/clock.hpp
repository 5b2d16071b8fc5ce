// Time, injected: nothing above this file asks the system for it, so a test can stop it and move it.
#pragma once

#include <chrono>

namespace slipway {

// A moment in UTC with the resolution that every database here keeps.
using time_point = std::chrono::sys_time<std::chrono::microseconds>;

class clock_source {
 public:
  virtual ~clock_source() = default;
  // Wall-clock time. May jump in either direction.
  virtual time_point now() const noexcept = 0;
  // Never goes back; for time-outs and measurements.
  virtual std::chrono::steady_clock::time_point steady() const noexcept = 0;
};

clock_source const& system_clock() noexcept;

// A clock that stands still until it is moved. Not for several threads at once.
class manual_clock final : public clock_source {
 public:
  explicit manual_clock(time_point start) noexcept : wall_{start} {}
  time_point now() const noexcept override { return wall_; }
  std::chrono::steady_clock::time_point steady() const noexcept override { return steady_; }
  void advance(std::chrono::microseconds by) noexcept {
    wall_ += by;
    steady_ += by;
  }
  // Moves the wall clock alone, as an administrator or NTP does.
  void jump(time_point to) noexcept { wall_ = to; }

 private:
  time_point wall_;
  std::chrono::steady_clock::time_point steady_{};
};

}  // namespace slipway
