// The client's side of TLS 1.2 and 1.3, on OpenSSL and non-blocking sockets. The server's certificate is always
// verified, and its name.
#pragma once

#include <slipway/redis/settings.hpp>
#include <slipway/redis/url.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::redis {

// What one attempt to read or write came to.
enum class io_state : std::uint8_t { done, wait_read, wait_write, end, failed };
struct io_result {
  io_state state;
  std::size_t size = 0;
};

class tls_session {
 public:
  virtual ~tls_session() = default;
  virtual io_result handshake() noexcept = 0;
  virtual io_result read(char* into, std::size_t size) noexcept = 0;
  virtual io_result write(std::string_view text) noexcept = 0;
  // Why the last call failed: "certificate verify failed: self-signed certificate".
  virtual std::string reason() const = 0;
  // The server's certificate or name is not trusted, or it refuses ours: trying again is no use.
  virtual bool is_refusal() const noexcept = 0;
};

// Shared by all shards.
class tls_client {
 public:
  virtual ~tls_client() = default;
  virtual std::unique_ptr<tls_session> connect(int socket, endpoint const& to) const = 0;
};

// Throws startup_error(config): a file that cannot be read, a key that does not fit its certificate.
std::unique_ptr<tls_client> make_tls_client(settings const& s);

}  // namespace slipway::redis
