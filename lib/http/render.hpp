// The head of a response, written straight into the connection's output (RFC 9112, sections 4 to 6).
#pragma once

#include <slipway/http/bytes.hpp>
#include <slipway/http/message.hpp>

#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>

namespace slipway::http {

// "HTTP/1.1 200 OK\r\nDate: ...\r\n", made once a second instead of once a response. One for each shard.
class head_start {
 public:
  void refresh(std::time_t now) noexcept;
  std::string_view ok() const noexcept { return {text_, size_}; }
  std::string_view date_line() const noexcept { return ok().substr(status_line); }
  // Writes `ok`, and bytes of no meaning up to `room` of them: a copy of a fixed size costs no call.
  static constexpr std::size_t room = 64;
  char* put_ok(char* at) const noexcept {
    std::memcpy(at, text_, room);
    return at + size_;
  }

 private:
  static constexpr std::size_t status_line = 17;
  char text_[room]{};
  std::size_t size_ = 0;
  std::time_t of_ = -1;
};

enum class body_form : std::uint8_t {
  whole,    // response.body, behind the head
  counted,  // a stream of known length
  chunked,  // a stream
  to_end,   // a stream for an HTTP/1.0 client: the end of the connection ends it
  none,     // 204 and 304
};

struct head_choice {
  body_form form = body_form::whole;
  bool keep_alive = true;
  int minor_version = 1;  // of the request
};

// True when a response of that status has no body, whatever the handler set (RFC 9110, section 6.4.1).
constexpr bool is_bodiless(int status) noexcept { return status == 204 || status == 304; }

// Appends the head; the body is the caller's.
void render_head(bytes& out, head_start const& start, response const& r, head_choice const& how);

}  // namespace slipway::http
