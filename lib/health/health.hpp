// Is the process alive, has it started, and can it serve? Three questions, three answers:
//   live:    the loop turns. Nothing outside the process is asked, so that a database outage restarts nobody.
//   startup: `started()` was called.
//   ready:   started, not draining, and every critical dependency answered its check.
// Checks run at the same time, each bounded, and their results are kept for a while: probes cannot hammer a database.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/task.hpp>
#include <slipway/runtime/shard.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::health {

enum class state : std::uint8_t {
  up,
  degraded,
  down
};  // degraded: something that is not critical is down; still serves
std::string_view to_string(state s) noexcept;  // "up", "degraded", "down"

struct check_result {
  std::string name;
  state status = state::up;
  bool critical = true;
  std::chrono::microseconds duration{};
  std::chrono::milliseconds age{};  // since it was found out
  std::string detail;               // what went wrong, with credentials masked; for the operator port only
};

struct report {
  state status = state::up;
  std::string reason;  // "starting", "draining", or empty
  std::vector<check_result> checks;
  bool serves() const noexcept { return status != state::down; }
  // The same without details, for a public port.
  report without_details() const;
};

struct settings {
  std::chrono::milliseconds keep{2'000};  // how long a result is used again
  std::chrono::milliseconds default_timeout{1'000};
};

// Masks what looks like a credential ("user:password@", "password=...", "token=...") and cuts at 200 bytes.
std::string safe_detail(std::string_view text);

class monitor {
 public:
  // Checks run on `home`, which must outlive this.
  monitor(shard& home, settings s = {}, clock_source const& clock = system_clock());
  monitor(monitor const&) = delete;
  monitor& operator=(monitor const&) = delete;
  // `stop` has been awaited before, if a check was ever run.
  ~monitor();

  // Before the first question only. The check throws when the dependency is not well; at the timeout its context is
  // cancelled, and it counts as down whether or not it heeds that. `timeout` zero: the default.
  // A check that is still running is not started again.
  void add(std::string name, std::chrono::milliseconds timeout, bool critical, std::function<task<>()> check);

  // From any thread.
  void started() noexcept;
  void draining() noexcept;
  report live() const;
  report startup() const;
  // On any shard. At most the largest timeout long.
  task<report> ready();
  // What is known without asking anybody; from any thread.
  report last() const;

  // Cancels the checks that run and waits for them. On the home shard.
  task<> stop();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace slipway::health
