// How the body of a request comes in: piece by piece for a handler that streams, as a whole for the others.
#include <slipway/http/waits.hpp>

#include <algorithm>

namespace slipway::http {

// For the handler. What has come lies behind the head; when it is used up, the room is read into again.
task<std::string_view> connection::next() {
  for (;;) {
    if (body_ == body_state::none || body_ == body_state::finished) co_return std::string_view{};
    if (auto const piece = take_piece(); !piece.empty()) co_return piece;
    if (body_ == body_state::finished) co_return std::string_view{};
    co_await await_input();
  }
}

// The next decoded piece of what has come; empty when there is none. Throws body_error.
std::string_view connection::take_piece() {
  auto& w = *work_;
  if (w.unread() == 0) return {};
  auto* const at = w.in.data() + w.begin;
  if (body_ == body_state::counted) {
    auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(w.unread(), body_left_));
    w.begin += size;
    body_left_ -= size;
    if (body_left_ == 0) body_ = body_state::finished;
    count_piece(size);
    return {at, size};
  }
  auto const made = decoder_.decode(at, w.unread());
  w.begin += made.consumed;
  w.x.bytes_in += made.consumed - made.data;
  if (decoder_.malformed()) throw body_error{400, "the chunked coding of the request's body is malformed"};
  if (decoder_.finished()) body_ = body_state::finished;
  count_piece(made.data);
  return {at, made.data};
}

void connection::count_piece(std::size_t size) {
  body_size_ += size;
  work_->x.bytes_in += size;
  if (body_size_ > body_limit_) throw body_error{413, "the request's body is larger than its route allows"};
}

// Waits for more of the body behind the head. Throws body_error when it comes too slowly, and cancelled_error when
// the client or the operation is gone.
task<> connection::await_input() {
  auto& w = *work_;
  if (continue_due_) co_await send_continue();
  if (w.unread() == 0) {
    w.in.resize(w.floor);
    w.begin = w.floor;
  }
  auto* const into = w.in.data() + w.in.size();
  auto const room = w.in.capacity() - w.in.size();
  for (;;) {
    auto const got = read_some(into, room);
    if (got.state == io_state::done) {
      w.in.resize(w.in.size() + got.size);
      home_.count.bytes_in.add(got.size);
      co_return;
    }
    if (got.state == io_state::end || got.state == io_state::failed) {
      closing_ = broken_ = true;
      throw cancelled_error{cancel_reason::client_gone};
    }
    body_wait waiting{*this, got.state == io_state::wait_write ? wait::to_write : wait::to_read};
    co_await waiting;
    if (verdict_ == verdict::none) continue;
    closing_ = linger_ = true;
    if (verdict_ != verdict::late) throw cancelled_error{cancel_reason::shutdown};
    verdict_ = verdict::none;
    throw body_error{408, "the request's body came too slowly"};
  }
}

// RFC 9110, section 10.1.1: only once the body is wanted.
task<> connection::send_continue() {
  continue_due_ = false;
  work_->out.append("HTTP/1.1 100 Continue\r\n\r\n");
  while (flush_now() == flush_state::blocked) {
    body_wait waiting{*this, wait::to_write};
    co_await waiting;
    if (verdict_ != verdict::none) throw cancelled_error{cancel_reason::client_gone};
  }
}

// The whole body, for a handler that does not stream. Returns what it failed with, if it did.
task<std::optional<body_error>> connection::collect() {
  auto& w = *work_;
  auto& body = w.body;
  body.clear();
  try {
    for (;;) {
      if (auto const piece = take_piece(); !piece.empty()) body.append(piece);
      if (body_ == body_state::finished) break;
      co_await await_input();
    }
  } catch (body_error const& error) {
    closing_ = linger_ = true;
    co_return error;
  } catch (cancelled_error const&) {
    closing_ = true;
    co_return body_error{408, "the request's body did not come to its end"};
  }
  w.x.request.body = body.size() == 0 ? std::string_view{""} : body.view();
  co_return std::nullopt;
}

// What the handler left unread stands before the next request. Returns whether there can be a next one. However the
// rest comes, a byte now and then, it may take no longer in all than two pieces of a body that is wanted.
task<bool> connection::discard_rest() {
  if (body_ == body_state::finished || closing_) {
    bool const read_to_end = body_ == body_state::finished;
    body_ = body_state::none;
    co_return read_to_end || !closing_;
  }
  body_limit_ = std::uint64_t(-1);
  continue_due_ = false;
  auto const begun = home_.home().coarse_now();
  try {
    for (;;) {
      take_piece();
      if (body_ == body_state::finished) break;
      if (home_.home().coarse_now() - begun > home_.tuned.body_timeout) co_return false;
      // The answer goes first: the client may wait for it before it sends on.
      if (work_->out.size() != 0 && !co_await flush()) co_return false;
      co_await await_input();
    }
  } catch (body_error const&) {
    co_return false;
  } catch (cancelled_error const&) {
    co_return false;
  }
  body_ = body_state::none;
  co_return true;
}

}  // namespace slipway::http
