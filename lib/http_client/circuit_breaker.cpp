#include <slipway/http_client/circuit_breaker.hpp>

#include <algorithm>

namespace slipway::http_client {

circuit_breaker::slot& circuit_breaker::slot_at(time now) noexcept {
  auto const length =
      std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::nanoseconds>(settings_.window).count() /
                                    static_cast<std::int64_t>(slots));
  auto const number = now.time_since_epoch() / std::chrono::nanoseconds{length};
  auto& s = window_[static_cast<std::size_t>(number) % slots];
  if (s.number != number) s = {.number = number};
  return s;
}

void circuit_breaker::open(time now) noexcept {
  state_ = state::open;
  opened_ = now;
  probing_ = probe_successes_ = 0;
}

void circuit_breaker::close() noexcept {
  state_ = state::closed;
  window_ = {};
  probing_ = probe_successes_ = 0;
}

circuit_breaker::state circuit_breaker::current(time now) const noexcept {
  return state_ == state::open && now - opened_ >= settings_.open_for ? state::half_open : state_;
}

std::chrono::milliseconds circuit_breaker::wait(time now) const noexcept {
  if (current(now) != state::open) return std::chrono::milliseconds{0};
  return std::chrono::ceil<std::chrono::milliseconds>(settings_.open_for - (now - opened_));
}

bool circuit_breaker::allow(time now) noexcept {
  if (!settings_.enabled) return true;
  state_ = current(now);
  if (state_ == state::closed) return true;
  if (state_ == state::open || probing_ >= settings_.probes) return false;
  ++probing_;
  return true;
}

void circuit_breaker::success(time now) noexcept {
  if (!settings_.enabled) return;
  switch (state_) {
    case state::closed: ++slot_at(now).calls; break;
    case state::half_open:
      if (probing_ > 0) --probing_;
      if (++probe_successes_ >= settings_.probes) close();
      break;
    case state::open: break;  // began before it opened: old news
  }
}

void circuit_breaker::failure(time now) noexcept {
  if (!settings_.enabled) return;
  switch (state_) {
    case state::closed: {
      auto& s = slot_at(now);
      ++s.calls;
      ++s.failures;
      unsigned calls = 0, failures = 0;
      for (auto const& each : window_)
        if (each.number > s.number - static_cast<std::int64_t>(slots)) {
          calls += each.calls;
          failures += each.failures;
        }
      if (calls >= settings_.least_calls && failures >= settings_.failure_ratio * calls) open(now);
      break;
    }
    case state::half_open: open(now); break;
    case state::open: break;
  }
}

void circuit_breaker::forget(time) noexcept {
  if (state_ == state::half_open && probing_ > 0) --probing_;
}

}  // namespace slipway::http_client
