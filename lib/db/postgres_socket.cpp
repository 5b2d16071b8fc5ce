#include <slipway/db/postgres_socket.hpp>

#include <slipway/core/errors.hpp>

#include <libpq-fe.h>

namespace slipway::db::detail {

void pg_socket::take(pg_handle connection) noexcept {
  release_socket();
  pg_ = connection.release();
  writing_ = asks_writable_ = ended_ = false;
}

void pg_socket::watch() {
  if (!sockets_.watch(PQsocket(pg_), *this))
    throw unavailable_error{"PostgreSQL: the kernel watches no more sockets (fs.epoll.max_user_watches, memory)"};
}

void pg_socket::release_socket() noexcept {
  if (pg_ == nullptr) return;
  sockets_.forget(PQsocket(pg_), *this);
  PQfinish(std::exchange(pg_, nullptr));
}

bool pg_socket::wait_writable() noexcept {
  writing_ = true;
  if (!asks_writable_) asks_writable_ = sockets_.watch_writable(PQsocket(pg_), *this);
  return asks_writable_;
}

}  // namespace slipway::db::detail
