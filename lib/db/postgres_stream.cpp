#include <slipway/db/postgres_stream.hpp>

#include <libpq-fe.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace slipway::db::detail {
namespace {

constexpr auto ended = "the server closed the connection";

int as_int(std::size_t length) noexcept {
  return static_cast<int>(std::min(length, std::size_t{std::numeric_limits<int>::max()}));
}

}  // namespace

void pg_stream::open(pg_conn* connection) noexcept {
  socket_ = PQsocket(connection);
  tls_ = PQsslInUse(connection) != 0 ? static_cast<SSL*>(PQsslStruct(connection, "OpenSSL")) : nullptr;
  if (tls_ != nullptr) SSL_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

pg_stream::result pg_stream::write() {
  auto const how = broken_ ? result::lost : tls_ == nullptr ? write_plain() : write_encrypted();
  broken_ = how == result::lost;
  return how;
}
pg_stream::result pg_stream::read() { return tls_ == nullptr ? read_plain() : read_encrypted(); }

pg_stream::result pg_stream::write_plain() {
  while (!out.unsent().empty()) {
    auto const left = out.unsent();
    auto const count = ::send(socket_, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      out.sent(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return result::waits;
    lose(std::generic_category().message(errno));
    return result::lost;
  }
  return result::done;
}

pg_stream::result pg_stream::read_plain() {
  auto const room = in.room();
  for (;;) {
    auto const count = ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
    if (count > 0) {
      in.filled(static_cast<std::size_t>(count));
      return static_cast<std::size_t>(count) == room.size() ? result::done : result::waits;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return result::waits;
    lose(count == 0 ? ended : std::generic_category().message(errno));
    return result::lost;
  }
}

pg_stream::result pg_stream::write_encrypted() {
  while (!out.unsent().empty()) {
    auto const left = out.unsent();
    ::ERR_clear_error();
    auto const count = ::SSL_write(tls_, left.data(), as_int(left.size()));
    int problem = 0;
    if (count <= 0) return encryption_said(count, problem);
    out.sent(static_cast<std::size_t>(count));
  }
  return result::done;
}

pg_stream::result pg_stream::read_encrypted() {
  wants_room_ = false;
  auto room = in.room();
  while (!room.empty()) {
    ::ERR_clear_error();
    auto const count = ::SSL_read(tls_, room.data(), as_int(room.size()));
    if (count <= 0) {
      int problem = 0;
      auto const how = encryption_said(count, problem);
      wants_room_ = problem == SSL_ERROR_WANT_WRITE;
      return how;
    }
    in.filled(static_cast<std::size_t>(count));
    room = room.subspan(static_cast<std::size_t>(count));
  }
  return result::done;
}

pg_stream::result pg_stream::encryption_said(int returned, int& problem) {
  problem = ::SSL_get_error(tls_, returned);
  if (problem == SSL_ERROR_WANT_READ || problem == SSL_ERROR_WANT_WRITE) return result::waits;
  if (auto const number = ::ERR_peek_last_error(); number != 0)
    lose(::ERR_reason_error_string(number) != nullptr ? ::ERR_reason_error_string(number) : "TLS failed");
  else
    lose(problem == SSL_ERROR_SYSCALL && errno != 0 && returned < 0 ? std::generic_category().message(errno) : ended);
  return result::lost;
}

}  // namespace slipway::db::detail
