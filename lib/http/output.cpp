// How answers go out: what can be sent at once is; only a full socket suspends.
#include <slipway/core/assert.hpp>
#include <slipway/http/waits.hpp>

#include <sys/socket.h>
#include <algorithm>

namespace slipway::http {

// Sends the output and then `behind`. What was sent of both is remembered in `sent`.
connection::flush_state connection::flush_now(std::string_view behind) noexcept {
  auto& w = *work_;
  auto const whole = w.out.size() + behind.size();
  if (w.sent == 0 && behind.empty() && !broken_) [[likely]] {
    auto const made = io_.write(w.out.view(), {});
    if (made.size == whole) [[likely]] {
      home_.count.bytes_out.add(whole);
      w.out.clear();
      return flush_state::done;
    }
    w.sent = made.size;
    sent_ += made.size;
    home_.count.bytes_out.add(made.size);
  }
  while (!broken_ && w.sent < whole) {
    auto const from_out = std::min(w.sent, w.out.size());
    auto const made = io_.write(w.out.view().substr(from_out), behind.substr(w.sent - from_out));
    if (made.state == io_state::wait_write || made.state == io_state::wait_read) return flush_state::blocked;
    if (made.state != io_state::done) {
      closing_ = broken_ = true;
      break;
    }
    w.sent += made.size;
    sent_ += made.size;
    home_.count.bytes_out.add(made.size);
  }
  w.out.clear();
  w.sent = 0;
  return broken_ ? flush_state::broken : flush_state::done;
}

// The same, and waits for the peer to read. False: the connection is of no more use.
task<bool> connection::flush(std::string_view behind) {
  for (;;) {
    if (broken_) co_return false;
    auto const state = flush_now(behind);
    if (state == flush_state::done) co_return true;
    if (state == flush_state::broken) co_return false;
    // What only filled the kernel's buffers was read by nobody.
    if (blocked_ == std::chrono::nanoseconds{}) sent_ = 0;
    home_.enter(*this, phase::writing);
    auto const began = since;
    co_await socket_wait{*this, wait::to_write};
    blocked_ += now_ - began;
    if (verdict_ == verdict::none || verdict_ == verdict::drained) continue;
    if (verdict_ == verdict::late) reset_on_close();
    closing_ = broken_ = true;
    co_return false;
  }
}

// What end_request has not copied into the output: a large body, or a stream.
task<> connection::send_rest() {
  auto& x = work_->x;
  if (form_ == body_form::whole) {
    co_await flush(x.response.body);
    co_return;
  }
  try {
    auto sending = send_stream();
    co_await std::move(sending);
    x.response.stream.reset();
    co_return;
  } catch (...) {
    if (auto const& tell = home_.core().parts.on_broken_stream) tell(x, std::current_exception());
  }
  x.response.stream.reset();
  // The head is out: that the rest is missing can only be told by ending the connection before the end.
  closing_ = broken_ = true;
  reset_on_close();
}

// What the kernel still holds for the client goes with the connection.
void connection::reset_on_close() noexcept {
  linger const hard{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

task<> connection::send_stream() {
  auto& x = work_->x;
  auto& source = *x.response.stream;
  auto left = x.response.stream_length.value_or(std::uint64_t(-1));
  // The head goes out at once: the first piece may be long in coming.
  if (!co_await flush()) throw cancelled_error{cancel_reason::client_gone};
  co_await detail::with_context{&x.operation};
  for (;;) {
    home_.enter(*this, phase::running);
    auto const piece = co_await source.next();
    if (piece.empty()) break;
    if (!bug(piece.size() <= left, "a stream is longer than its declared length"))
      throw std::length_error{"stream_length"};
    if (form_ == body_form::counted) left -= piece.size();
    if (!co_await send_piece(piece)) throw cancelled_error{cancel_reason::client_gone};
  }
  if (form_ == body_form::counted && left != 0) throw std::length_error{"stream_length"};
  if (form_ == body_form::chunked) work_->out.append(last_chunk);
}

task<bool> connection::send_piece(std::string_view piece) {
  auto& out = work_->out;
  if (form_ == body_form::chunked) out.append(chunk_head{piece.size()}.text());
  bool sent = false;
  constexpr std::size_t worth_copying = 8'192;
  if (piece.size() <= worth_copying) {
    out.append(piece);
    if (form_ == body_form::chunked) out.append("\r\n");
    sent = co_await flush();
  } else {
    sent = co_await flush(piece);
    if (form_ == body_form::chunked) out.append("\r\n");
  }
  co_return sent;
}

// Ends the connection so that the peer can read what was sent: closing a socket with unread input resets it, and a
// reset takes back what the peer has not read yet (RFC 9112, section 9.6).
task<> connection::close_politely() {
  if (broken_) co_return;
  io_.end_sending();
  if (!closing_ || end_seen_) co_return;
  // Many clients look for an answer only when all of their body has gone out, however much that is.
  constexpr std::chrono::seconds longest{30};
  constexpr std::chrono::seconds longest_while_stopping{2};
  constexpr int most_in_a_row = 16;
  auto const begun = home_.home().coarse_now();
  for (int in_a_row = 0;;) {
    auto const got = io_.discard();
    if (got.state == io_state::done) {
      linger_ = true;
      if (++in_a_row < most_in_a_row) continue;
      home_.home().sockets().wake(*this);
    } else if (got.state != io_state::wait_read || !linger_) {
      co_return;
    }
    in_a_row = 0;
    if (home_.home().coarse_now() - begun > (home_.draining() ? longest_while_stopping : longest)) co_return;
    if (work_ != nullptr) home_.give_back(std::exchange(work_, nullptr));
    home_.enter(*this, phase::lingering);
    co_await socket_wait{*this, wait::to_read};
    if (verdict_ != verdict::none) co_return;
  }
}

}  // namespace slipway::http
