// The bytes of one open connection to PostgreSQL, plain or through TLS, without waiting for them.
#pragma once

#include <slipway/db/postgres_messages.hpp>

#include <cstdint>
#include <string>
#include <utility>

struct pg_conn;
struct ssl_st;  // OpenSSL's SSL

namespace slipway::db::detail {

constexpr auto no_message = "what the server sent is no message of PostgreSQL's protocol";

class pg_stream {
 public:
  pg_outbox out;
  pg_inbox in;

  // Of a connection that libpq has opened, which lives longer than what is asked for here.
  void open(pg_conn* connection) noexcept;

  enum class result : std::uint8_t { done, waits, lost };
  // Sends what there is. Waits: for room. Lost: nothing is sent any more, but what the server has said may still be
  // there to be read.
  result write();
  // Takes what has come. Done: there may be more; waits: there is no more.
  result read();
  // TLS has something to say before it can read on, and no room.
  bool wants_room() const noexcept { return wants_room_; }
  // Why it was lost: the first reason counts.
  std::string const& why() const noexcept { return why_; }
  void lose(std::string why) {
    if (why_.empty()) why_ = std::move(why);
  }
  // Nothing is written any more.
  bool is_broken() const noexcept { return broken_; }
  void give_up(std::string why) {
    lose(std::move(why));
    broken_ = true;
  }

 private:
  result write_plain();
  result write_encrypted();
  result read_plain();
  result read_encrypted();
  result encryption_said(int returned, int& problem);

  int socket_ = -1;
  ssl_st* tls_ = nullptr;
  bool broken_ = false, wants_room_ = false;
  std::string why_;
};

}  // namespace slipway::db::detail
