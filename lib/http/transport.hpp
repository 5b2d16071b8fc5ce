// The bytes of one connection, plain or through TLS. Every call returns at once.
#pragma once

#include <slipway/tls/session.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace slipway::http {

using tls::io_result;
using tls::io_state;

class transport {
 public:
  explicit transport(int socket) noexcept : socket_{socket} {}

  void secure(std::unique_ptr<tls::session> session) noexcept { tls_ = std::move(session); }
  bool is_secure() const noexcept { return tls_ != nullptr; }
  bool has_buffered() const noexcept { return tls_ != nullptr && tls_->has_buffered(); }

  io_result handshake() noexcept { return tls_->handshake(); }
  io_result read(char* into, std::size_t size) noexcept {
    return tls_ == nullptr ? read_plain(into, size) : tls_->read(into, size);
  }
  // As much as goes of one text after the other; `done` with the number of bytes that went.
  io_result write(std::string_view first, std::string_view second) noexcept;
  // Below TLS: for what comes before the handshake.
  io_result read_plain(char* into, std::size_t size) noexcept;
  // Reads as `read_plain` does, for nobody.
  io_result discard() noexcept;
  // Tells the peer that nothing more comes.
  void end_sending() noexcept;

 private:
  int socket_;
  std::unique_ptr<tls::session> tls_;
};

}  // namespace slipway::http
