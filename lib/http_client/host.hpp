// What one shard knows of the hosts that it calls: is each well, and what is counted of it. Private to the library.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/http_client/client.hpp>
#include <slipway/metrics/registry.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace slipway::http_client {

// How a call ended, as a small number: the class of the status, a failure, or cancelled.
namespace outcome {
inline constexpr std::size_t cancelled = 6, first_failure = 7, count = first_failure + 12;
inline std::size_t of(int status) noexcept {
  return status >= 100 && status < 600 ? static_cast<std::size_t>(status) / 100 : 0;
}
inline std::size_t of(failure f) noexcept { return first_failure + static_cast<std::size_t>(f); }
inline std::string_view name(std::size_t o) noexcept {
  constexpr std::array<std::string_view, first_failure> names{"other", "1xx", "2xx", "3xx", "4xx", "5xx", "cancelled"};
  return o < first_failure ? names[o] : to_string(static_cast<failure>(o - first_failure));
}
}  // namespace outcome

// Handles that do nothing when there is no registry.
struct host_metrics {
  metrics::family_of<metrics::counter, 2> calls;
  metrics::family_of<metrics::histogram, 1> duration;
  metrics::family_of<metrics::counter, 1> retries;
  metrics::counter connections;
  metrics::gauge in_flight;

  static host_metrics in(metrics::registry* all) {
    if (all == nullptr) return {};
    return {all->counters("http_client_requests_total", "Calls to other servers, by host and how they ended",
                          metrics::labels{"host", "outcome"}, 300),
            all->histograms("http_client_request_duration_seconds", "How long calls to other servers took",
                            metrics::labels{"host"}),
            all->counters("http_client_retries_total", "Calls that were made again", metrics::labels{"host"}),
            all->counter("http_client_connections_total", "Connections made to other servers"),
            all->gauge("http_client_in_flight", "Requests to other servers that are under way")};
  }
};

struct host_state {
  circuit_breaker breaker;
  unsigned users = 0;  // calls that hold it
  std::string name;
  host_metrics const& all;
  metrics::histogram duration{all.duration.with(name)};
  metrics::counter retries{all.retries.with(name)};
  std::array<std::optional<metrics::counter>, outcome::count> outcomes{};

  // The first of its kind looks its counter up, which takes a lock; the others do not.
  void count(std::size_t how) {
    auto& c = outcomes[how];
    if (!c) c = all.calls.with(name, outcome::name(how));
    c->add();
  }
};

// Bounded: where hosts come from callers (webhooks), there is no end of them.
class hosts {
 public:
  static constexpr std::size_t most = 1'024;
  hosts(breaker_settings const& s, host_metrics const& m) : settings_{s}, metrics_{m} {}

  struct drop {
    void operator()(host_state* h) const noexcept { --h->users; }
  };
  using held = std::unique_ptr<host_state, drop>;

  held use(std::string const& origin, std::string const& name) {
    auto found = all_.find(origin);
    if (found == all_.end()) {
      if (all_.size() >= most) std::erase_if(all_, [](auto const& each) { return each.second->users == 0; });
      found = all_.emplace(origin, std::make_unique<host_state>(circuit_breaker{settings_}, 0u, name, metrics_)).first;
    }
    ++found->second->users;
    return held{found->second.get()};
  }

 private:
  breaker_settings settings_;
  host_metrics const& metrics_;
  std::unordered_map<std::string, std::unique_ptr<host_state>> all_;
};

// Tells the breaker how a call that it allowed has ended: `forget`, unless somebody says more.
class breaker_call {
 public:
  breaker_call(circuit_breaker& b, clock_source const& clock) noexcept : breaker_{b}, clock_{clock} {}
  breaker_call(breaker_call const&) = delete;
  breaker_call& operator=(breaker_call const&) = delete;
  ~breaker_call() {
    if (!told_) breaker_.forget(clock_.steady());
  }
  void done(bool well) noexcept {
    told_ = true;
    well ? breaker_.success(clock_.steady()) : breaker_.failure(clock_.steady());
  }

 private:
  circuit_breaker& breaker_;
  clock_source const& clock_;
  bool told_ = false;
};

}  // namespace slipway::http_client
