// A small proxy between the tests and their server that does what networks do: cuts, stalls, delays, loses the rest
// of a message, gives it away octet by octet.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace slipway::db::tests {

class fault_gate {
 public:
  // Forwards to this port of 127.0.0.1, from a port of its own.
  explicit fault_gate(int to);
  ~fault_gate();
  int port() const noexcept { return port_; }

  // Everything as it should be, for connections that are there and for new ones.
  void pass();
  // Ends every connection now.
  void cut();
  // Ends every connection now, and every new one at once.
  void refuse();
  // Keeps connections and forwards nothing. New connections are accepted and hear nothing.
  void stall();
  // The connections that are there never forward anything again; new ones are as they should be.
  void freeze();
  // Ends each connection after so many octets more from the server, wherever in a message that is; new ones as well.
  void truncate(std::size_t after);
  // Each connection that is there ends when the server says its next word, which is lost; new ones are as they should be.
  void cut_at_the_next_word();
  // What the server says arrives so much later.
  void delay(std::chrono::milliseconds by);
  // From now on these octets of the server become those, which are as many, where they arrive together.
  void forge(std::string from, std::string to);
  // What the server says arrives in pieces of so many octets.
  void drip(std::size_t at_once);
  // What the server says waits here; what it is told goes on, and is remembered from now on.
  void withhold();
  // Whether the server was told this since `withhold`.
  bool was_told(std::string_view text);

 private:
  using clock = std::chrono::steady_clock;
  struct piece {
    clock::time_point due;
    std::string data;
  };
  // One direction of one connection.
  struct flow {
    int from = -1, to = -1;
    std::list<piece> waiting;
    std::size_t size = 0;
    bool ended = false;
  };
  struct connection {
    int client = -1, server = -1;
    flow up, down;
    std::size_t budget = std::numeric_limits<std::size_t>::max();
    bool broken = false, frozen = false;
  };
  struct rules {
    bool refuses = false, stalls = false, withholds = false;
    std::size_t budget = std::numeric_limits<std::size_t>::max();
    std::size_t at_once = std::numeric_limits<std::size_t>::max();
    std::chrono::milliseconds late{0};
  };

  void set(rules r, bool ends_all);
  void run();
  void accept_one();
  void read(flow& f, bool from_server);
  void write(connection& c, flow& f, bool from_server);

  int target_, port_ = 0, listening_ = -1, wake_ = -1;
  std::mutex mutex_;
  rules rules_;
  std::string forged_from_, forged_to_, told_;
  bool stopping_ = false;
  std::list<connection> all_;
  std::thread thread_;
};

}  // namespace slipway::db::tests
