// A TCP proxy between a client and a server that does what networks do: cuts, stalls, truncates, drips.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace slipway::redis::tests {

class gate {
 public:
  enum class mode : std::uint8_t {
    pass,
    stall,     // takes what comes and passes nothing on
    drip,      // one byte in 20 ms towards the client
    refuse,    // nothing is accepted
    truncate,  // every connection ends after a few more bytes towards the client
    delay,     // 30 ms on the way back
  };
  explicit gate(int to);
  gate(gate const&) = delete;
  gate& operator=(gate const&) = delete;
  ~gate();

  int port() const noexcept { return port_; }
  void set(mode m) noexcept { mode_ = m; }
  void cut() noexcept { ++cuts_; }  // everything that is open, now
  unsigned accepted() const noexcept { return accepted_; }

 private:
  struct pair {
    int client, server;
    unsigned cuts;
    std::size_t allowed = SIZE_MAX;  // bytes towards the client that are left
    std::string to_client, to_server;
    std::int64_t not_before = 0;
  };
  void run();
  bool move(pair& p, bool readable_client, bool readable_server);

  int to_, port_ = 0, listener_;
  std::atomic<mode> mode_{mode::pass};
  std::atomic<unsigned> cuts_{0}, accepted_{0};
  std::atomic<bool> ending_{false};
  std::vector<pair> pairs_;
  std::thread thread_;
};

}  // namespace slipway::redis::tests
