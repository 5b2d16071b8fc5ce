// The server's part on one shard: its connections by what they wait for, workspaces, counters and the sweep that
// enforces every time-out without a timer for each request.
#pragma once

#include <slipway/core/counter.hpp>
#include <slipway/http/address.hpp>
#include <slipway/http/render.hpp>
#include <slipway/http/server.hpp>
#include <slipway/http/tls.hpp>
#include <slipway/http/workspace.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace slipway::http {

class connection;

// What a connection waits for. One that runs without waiting stays where it was.
enum class phase : std::uint8_t {
  idle,       // the next request
  head,       // the rest of a head, of a handshake or of a PROXY header
  body,       // the next piece of a body
  running,    // a handler, or the next piece of a streamed response
  writing,    // the peer to read
  lingering,  // the peer to close, so that it can read the last response
};
inline constexpr std::size_t phase_count = 6;

// Connections in the order in which they came to wait. Intrusive: moving one costs a few stores.
struct waiting_link {
  waiting_link* previous = this;
  waiting_link* next = this;
  void unlink() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  void append(waiting_link& other) noexcept {
    other.previous = previous;
    other.next = this;
    previous->next = &other;
    previous = &other;
  }
};

// What may change while the server serves; each worker has its own.
struct tuning {
  std::size_t max_connections;  // of the process
  std::size_t in_flight_share;  // of max_in_flight, for one shard
  std::chrono::milliseconds head_timeout, body_timeout, idle_timeout, write_timeout;
  std::size_t write_rate;
};
tuning tuning_of(server_settings const& s, unsigned shards) noexcept;

// What all workers share: read only but for the number of open connections.
struct server_core {
  server_settings settings;
  server::parts parts;
  head_limits limits;
  std::vector<network> trusted;
  bool trusts_unix = false;
  tuning at_start{};
  std::atomic<std::size_t> open{0};
  std::mutex mutex;
  std::condition_variable one_gone;  // a connection ended while the server stops
};

class worker {
 public:
  using time = std::chrono::steady_clock::time_point;

  worker(shard& home, server_core& core);
  worker(worker const&) = delete;
  worker& operator=(worker const&) = delete;
  ~worker();

  // All from here on the shard's own thread.
  void start();
  void stop_ticking() noexcept { ticker_ = {}; }
  // Takes over an accepted socket: serves it, or refuses it when there are too many.
  void take(int socket, bool secure);
  // The longest idle connection goes. False: there is none to take.
  bool evict() noexcept;
  void begin_drain() noexcept { draining_ = true; }
  // Cancels what is still at work; returns how many requests that were.
  std::size_t cut();

  bool draining() const noexcept { return draining_; }
  shard& home() const noexcept { return home_; }
  server_core& core() const noexcept { return core_; }
  head_start const& start_of_heads() const noexcept { return start_of_heads_; }
  std::shared_ptr<tls_certificates const> certificates;
  tuning tuned;

  workspace* lend() {
    if (auto* const w = std::exchange(spare_, nullptr); w != nullptr) [[likely]]
      return w;
    return lend_other();
  }
  void give_back(workspace* w) noexcept {
    w->clear();
    if (spare_ == nullptr) [[likely]]
      spare_ = w;
    else
      give_back_other(w);
  }

  void enter(connection& c, phase p) noexcept;
  void remove(connection& c) noexcept;

  struct counters {
    counter accepted, open, in_flight, requests, refused, timed_out, malformed, bytes_in, bytes_out;
    std::array<counter, phase_count> in_phase;
  } count;

 private:
  workspace* lend_other();
  void give_back_other(workspace* w) noexcept;
  void sweep();
  void sweep_ordered(phase p, std::chrono::milliseconds limit);
  void sweep_running(phase p);
  void sweep_writing();

  shard& home_;
  server_core& core_;
  shard::ticker ticker_;
  head_start start_of_heads_;
  std::array<waiting_link, phase_count> waiting_;
  waiting_link leaving_;        // told to go, and gone in the next turn
  workspace* spare_ = nullptr;  // the one that was used last, and so is in the processor's cache
  std::vector<std::unique_ptr<workspace>> workspaces_;
  bool draining_ = false;
};

}  // namespace slipway::http
