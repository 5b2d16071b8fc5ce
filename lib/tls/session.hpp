// One TLS connection on a non-blocking socket, as its server or its client. No call waits: each says what it came to,
// and whoever has the loop waits for the socket. Used by one thread at a time.
//
// OpenSSL sends without MSG_NOSIGNAL, so a process with sessions ignores SIGPIPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // and SSL

namespace slipway::tls {

// What one attempt to read or write came to, with TLS or without.
enum class io_state : std::uint8_t { done, wait_read, wait_write, end, failed };
struct io_result {
  io_state state;
  std::size_t size = 0;
};

class session {
 public:
  // The socket stays the caller's. `owner` lives as long as the session: it has what the context's callbacks use.
  // Throws std::bad_alloc.
  session(ssl_ctx_st* context, int socket, std::shared_ptr<void const> owner = nullptr);
  session(session const&) = delete;
  session& operator=(session const&) = delete;
  ~session();

  // One of the two comes first. As the server:
  void accept() noexcept;
  // As the client of `host`, for which the server's certificate must be: an IP address, or a name, which the server is
  // told (SNI, RFC 6066 section 3). Throws std::invalid_argument for what is neither.
  void connect(std::string const& host);

  io_result handshake() noexcept;
  // `end`: the peer has said that nothing more comes. `done` with less than `size` does not mean that nothing is left.
  io_result read(char* into, std::size_t size) noexcept;
  // `done` with as much as the socket took. After `wait_...` the same bytes are written again, from wherever they are
  // by then.
  io_result write(std::string_view text) noexcept;
  // Bytes that are decrypted already, of which the socket will not tell.
  bool has_buffered() const noexcept;
  // Tells the peer that nothing more comes, as far as the socket takes it at once; the peer's own word is not waited
  // for. Nothing is sent before the handshake is over, or after a failure.
  void close_notify() noexcept;

  // Why the last call came to `failed`, for messages: "the server's certificate is not trusted: hostname mismatch".
  std::string reason() const;
  // Whether the peer, its certificate or its name is not what it should be, or it refuses us, so that trying again is
  // no use. A connection that only broke is none.
  bool is_refusal() const noexcept;

 private:
  struct free_session {
    void operator()(ssl_st* session) const noexcept;
  };
  io_result outcome_of(int made) noexcept;

  std::shared_ptr<void const> owner_;
  std::unique_ptr<ssl_st, free_session> ssl_;
  unsigned long error_ = 0;  // OpenSSL's; its text is made when it is asked for
  int system_error_ = 0;
  bool broken_ = false;
};

}  // namespace slipway::tls
