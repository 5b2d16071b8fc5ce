#include <slipway/http/forwarded.hpp>
#include <slipway/http/proxy_protocol.hpp>
#include <slipway/http/waits.hpp>

#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

namespace slipway::http {

void connection::start(worker& home, int socket, std::optional<address> peer, bool secure) {
  (new connection{home, socket, std::move(peer), secure})->run();
}

connection::connection(worker& home, int socket, std::optional<address> peer, bool secure)
    : home_{home}, io_{socket}, socket_{socket} {
  set_peer(peer);
  must_prepare_ = secure || (home.core().settings.proxy_protocol && trusted_);
  if (secure) io_.secure(home.certificates->accept(socket));
  home_.count.open.add();
  home_.enter(*this, must_prepare_ ? phase::head : phase::idle);
}

connection::~connection() {
  if (work_ != nullptr) home_.give_back(work_);
  home_.home().sockets().forget(*this);
  ::close(socket_);
  home_.remove(*this);
}

// What the socket has become. It is told once, so it is kept until it is used.
void connection::ready(std::uint32_t events) noexcept {
  constexpr auto end = poller::ended | poller::reset | poller::failed;
  if ((events & end) != 0) hung_up_ = true;
  if ((events & (poller::readable | end)) != 0) readable_ = true;
  bool const awaited =
      events == 0 || (waits_ == wait::to_read && readable_) ||
      (waits_ == wait::to_write && (events & (poller::writable | poller::reset | poller::failed)) != 0);
  if (!awaited || waits_ == wait::nothing) return;
  waits_ = wait::nothing;
  waiter_.resume();
}

void connection::wait_for(wait what, std::coroutine_handle<> waiter) {
  waits_ = what;
  waiter_ = waiter;
  if (what == wait::to_read) {
    readable_ = false;
  } else if (!std::exchange(asks_writable_, true) && !home_.home().sockets().watch_writable(socket_, *this)) {
    verdict_ = verdict::cut;
    end_wait();
  }
}

void connection::end_wait() noexcept {
  if (waits_ != wait::nothing) home_.home().sockets().wake(*this);
}

io_result connection::read_some(char* into, std::size_t room) noexcept {
  auto const got = io_.read(into, room);
  // A plain socket that gave less than it could has no more, but for its end. What TLS has left only it knows.
  readable_ = got.state == io_state::done && (got.size == room || hung_up_ || io_.is_secure());
  return got;
}

void connection::set_peer(std::optional<address> const& peer) {
  auto& core = home_.core();
  peer_ = peer;
  peer_text_ = peer ? peer->text() : "unix";
  peer_hash_ = peer ? peer->hash() : 0;
  trusted_ = peer ? is_trusted(*peer, core.trusted) : core.trusts_unix;
}

void connection::interrupt(verdict why) noexcept {
  verdict_ = why;
  end_wait();
}

void connection::cancel(cancel_reason why) noexcept {
  if (work_ != nullptr) work_->x.operation.cancel(why);
}

void connection::check(worker::time now) noexcept {
  auto& operation = work_->x.operation;
  if (operation.cancelled() != cancel_reason::none) return;
  if (now >= operation.deadline) {
    home_.count.timed_out.add();
    // While a body is collected there is no handler yet that could be told.
    if (waits_for == phase::body && !handling_)
      interrupt(verdict::late);
    else
      operation.cancel(cancel_reason::deadline);
    return;
  }
  if (waits_for != phase::running || now < next_look_ || half_closed_) return;
  next_look_ = now + std::chrono::seconds{1};
  pollfd look{socket_, POLLRDHUP, 0};
  ::poll(&look, 1, 0);
  bool const reset = (look.revents & (POLLERR | POLLHUP)) != 0;
  bool const ended = (look.revents & POLLRDHUP) != 0;
  // A client that ended its side together with its request is waiting for the answer. One that does so later has
  // gone: nothing on the wire tells the two apart but the moment.
  if (ended && !reset && !std::exchange(looked_, true)) {
    half_closed_ = true;
    return;
  }
  looked_ = true;
  if (ended || reset) operation.cancel(cancel_reason::client_gone);
}

// A client that reads nothing is told by `write_timeout`. One that reads a little now and then would restart that
// clock for ever, so the time that an answer waits for its reader is bounded by what was read, too.
bool connection::check_reader(worker::time now) noexcept {
  auto const& s = home_.tuned;
  if (verdict_ != verdict::none) return false;
  auto const waited = now - since;
  bool late = waited >= s.write_timeout;
  if (!late && s.write_rate != 0 && !(work_ != nullptr && work_->x.response.open_ended)) {
    auto const earned = std::chrono::duration<double>{static_cast<double>(sent_) / static_cast<double>(s.write_rate)};
    late = blocked_ + waited > s.write_timeout + earned;
  }
  if (late) interrupt(verdict::late);
  return late;
}

void connection::resumed() noexcept {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);  // what steady_clock::now comes to, less a call
  now_ = worker::time{std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec}};
}

void connection::suspended() noexcept {
  // What pipelined requests before this one have been answered must not wait for it.
  if (work_->out.size() != 0) flush_now();
  if (!awaits_body_) home_.enter(*this, phase::running);
  now_ = {};  // out of date by the time of the next request
}

// Reads what is there into the workspace.
io_state connection::receive() {
  if (work_ == nullptr) work_ = home_.lend();
  auto& w = *work_;
  if (w.unread() == 0) {
    w.in.clear();
    w.begin = 0;
  } else if (w.begin != 0) {
    std::memmove(w.in.data(), w.in.data() + w.begin, w.unread());
    w.in.resize(w.unread());
    w.begin = 0;
  }
  w.floor = 0;
  constexpr std::size_t worth_reading = 1'024;
  auto* const into = w.in.room(w.in.capacity() == 0 ? workspace::first_input : worth_reading);
  auto const got = read_some(into, w.in.capacity() - w.in.size());
  if (got.state == io_state::done) [[likely]] {
    w.in.resize(w.in.size() + got.size);
    home_.count.bytes_in.add(got.size);
  }
  return got.state;
}

// Between two batches of input: holds on to what is needed and to nothing else.
// The clock of a partial head starts with its first byte, so it goes on unless another request was answered.
void connection::rest(bool answered) {
  auto& w = *work_;
  if (w.unread() != 0) {
    if (answered || waits_for != phase::head) home_.enter(*this, phase::head);
    return;
  }
  home_.give_back(std::exchange(work_, nullptr));
  home_.enter(*this, phase::idle);
}

detail::detached connection::run() {
  // A peer that sends faster than it can be answered must not keep others from their turn.
  constexpr int most_in_a_row = 16;
  int in_a_row = 0;
  auto ended = verdict::none;
  if (!home_.home().sockets().watch(socket_, *this)) {
    home_.count.refused.add();
    closing_ = broken_ = true;
  }
  if (must_prepare_ && !closing_ && !co_await prepare(io_.is_secure())) closing_ = broken_ = true;
  while (!closing_) {
    bool const more = readable_ || io_.has_buffered();
    if (more && ++in_a_row < most_in_a_row) {
      resumed();
    } else {
      in_a_row = 0;
      if (more) home_.home().sockets().wake(*this);
      co_await socket_wait{*this, wait::to_read};
    }
    ended = std::exchange(verdict_, verdict::none);
    if (ended != verdict::none && ended != verdict::drained) break;
    auto const got = receive();
    if (got == io_state::end || got == io_state::failed) {
      end_seen_ = true;
      break;
    }
    // TLS itself has something to say before it reads on.
    if (got == io_state::wait_write) co_await socket_wait{*this, wait::to_write};
    bool answered = false;
    for (;;) {
      auto next = begin_request();
      if (next == step::need_more) break;
      answered = true;
      if (next == step::read_body) {
        auto const failed = co_await collect();
        next = failed ? fail(failed->status(), work_->x.copy(failed->what())) : step::run;
      }
      if (next == step::run) {
        try {
          auto handling = call_handler();
          co_await handler_run{*this, handling.handle()};
        } catch (...) {
          handle_exception();
        }
      }
      end_request();
      if (form_ != body_form::none) co_await send_rest();
      if (body_ != body_state::none && !co_await discard_rest()) closing_ = linger_ = true;
      end_handler();
      if (closing_) break;
      if (work_->out.size() > workspace::kept_output / 2 && !co_await flush()) break;
    }
    if (work_->out.size() != 0 && flush_now() == flush_state::blocked) co_await flush();
    if (closing_) break;
    rest(answered);
    if (ended == verdict::drained && work_ == nullptr) break;
  }
  if (ended == verdict::late && waits_for == phase::head && work_ != nullptr) {
    refuse_head(408, {});
    end_request();
    end_handler();
    co_await flush();
  }
  co_await close_politely();
  delete this;
}

task<bool> connection::prepare(bool secure) {
  if (home_.core().settings.proxy_protocol && trusted_ && !co_await read_proxy_header()) {
    home_.count.malformed.add();
    co_return false;
  }
  while (secure) {
    auto const state = io_.handshake().state;
    if (state == io_state::done) break;
    if (state == io_state::end || state == io_state::failed) co_return false;
    co_await socket_wait{*this, state == io_state::wait_read ? wait::to_read : wait::to_write};
    if (verdict_ != verdict::none) co_return false;
  }
  home_.enter(*this, phase::idle);
  co_return true;
}

task<bool> connection::read_proxy_header() {
  char head[proxy_protocol::fixed_size];
  if (!co_await read_exactly(head, sizeof head)) co_return false;
  std::string_view const first{head, sizeof head};
  auto const size = proxy_protocol::rest_size(first);
  if (!size) co_return false;
  std::string rest(*size, '\0');
  if (!co_await read_exactly(rest.data(), rest.size())) co_return false;
  if (auto const client = proxy_protocol::client(first, rest)) set_peer(client);
  co_return true;
}

task<bool> connection::read_exactly(char* into, std::size_t size) {
  while (size != 0) {
    auto const got = io_.read_plain(into, size);
    if (got.state == io_state::done) {
      into += got.size;
      size -= got.size;
    } else if (got.state == io_state::wait_read) {
      co_await socket_wait{*this, wait::to_read};
      if (verdict_ != verdict::none) co_return false;
    } else {
      co_return false;
    }
  }
  co_return true;
}

}  // namespace slipway::http
