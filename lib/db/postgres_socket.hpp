// The socket of one of libpq's connections on its shard's poller, for whoever has the connection: it is told once what
// the socket has become, reads until the kernel has no more, and asks for room only when there is none.
#pragma once

#include <slipway/db/postgres_connect.hpp>
#include <slipway/runtime/poller.hpp>

#include <cstdint>
#include <utility>

namespace slipway::db::detail {

class pg_socket : protected poller::watcher {
 public:
  bool is_open() const noexcept { return pg_ != nullptr; }

 protected:
  explicit pg_socket(poller& sockets) noexcept : sockets_{sockets} {}
  ~pg_socket() { release_socket(); }

  // The connection is this object's from here on. Nothing is told before `watch`.
  void take(pg_handle connection) noexcept;
  // Throws unavailable_error when the kernel has no room for another socket that is watched.
  void watch();
  // Ends the connection, when there is one.
  void release_socket() noexcept;

  // What `ready` was told. True: there is room now for what waited for it.
  bool note(std::uint32_t events) noexcept {
    if ((events & (poller::ended | poller::reset | poller::failed)) != 0) ended_ = true;
    return std::exchange(writing_, false);
  }
  // `ready` is called when there is room. False: the connection is lost.
  bool wait_writable() noexcept;

  // `read` takes what is there, and says whether there is more; false when the connection has ended as well. Others have
  // their turn in between.
  template <class F>
  void read_all(F read) {
    for (int round = 0; round < most_in_a_row; ++round)
      if (!read()) return;
    read_soon();
  }
  // `ready` is called, with no events.
  void read_soon() noexcept { sockets_.wake(*this); }
  // The server says no more than what is on its way.
  bool has_ended() const noexcept { return ended_; }

  pg_conn* pg_ = nullptr;

 private:
  // So often a socket is read before others have their turn.
  static constexpr int most_in_a_row = 16;

  poller& sockets_;
  bool writing_ = false, asks_writable_ = false;  // waits for room; is told of it
  bool ended_ = false;
};

}  // namespace slipway::db::detail
