// TLS 1.2 and 1.3 for the server's connections, on OpenSSL and non-blocking sockets.
#pragma once

#include <slipway/http/server.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace slipway::http {

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
  // Bytes that are decrypted already, of which the socket will not tell.
  virtual bool has_buffered() const noexcept = 0;
  virtual void close_notify() noexcept = 0;
};

// Certificates and keys, chosen by SNI. Immutable: a reload makes another.
class tls_certificates {
 public:
  virtual ~tls_certificates() = default;
  virtual std::unique_ptr<tls_session> accept(int socket) const = 0;
};

// Throws startup_error: a file that cannot be read, a key that does not fit its certificate, an unknown version.
std::shared_ptr<tls_certificates const> load_certificates(tls_settings const& settings);

}  // namespace slipway::http
