// Listening sockets: making them, and accepting from them on a shard.
#pragma once

#include <slipway/http/worker.hpp>

#include <memory>
#include <string>

namespace slipway::http {

// One address of server_settings::listen.
class listen_address {
 public:
  // Throws startup_error, which names the setting `key`.
  listen_address(std::string const& text, std::string key);

  bool is_unix() const noexcept { return !path_.empty(); }
  // A socket that listens; each call makes another one on the same address and port (SO_REUSEPORT). When the port
  // was 0, the first call finds one and the others use it. A Unix socket is made once and shared.
  int open();
  std::string text() const;  // with the real port
  // Takes the file of a Unix socket away.
  void remove() noexcept;

 private:
  int open_unix();
  int open_tcp();

  [[noreturn]] void refuse(int error) const;

  std::string text_, key_, host_, port_, path_;
  int shared_ = -1;
  bool brackets_ = false;
};

class listener {
 public:
  virtual ~listener() = default;
  // Takes everything that the kernel has accepted already, and closes. On the shard's own thread.
  virtual void close() = 0;
};

// Accepts until it is closed. On the shard's own thread; owns the socket.
std::unique_ptr<listener> make_listener(worker& to, int socket, bool secure);

}  // namespace slipway::http
