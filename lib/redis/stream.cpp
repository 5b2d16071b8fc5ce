#include <slipway/redis/stream.hpp>

#include <slipway/core/one_shot.hpp>
#include <slipway/runtime/name_lookup.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <tuple>
#include <vector>

namespace slipway::redis {

namespace asio = boost::asio;
using protocol = asio::generic::stream_protocol;
using tls::io_state;

// One completion of Asio, awaited. Asio calls every handler, also of what is cancelled, so nothing is left waiting.
struct stream::step {
  one_shot done;
  boost::system::error_code error;
  auto handler() {
    return [this](boost::system::error_code e) {
      error = e;
      done.fire();
    };
  }
};

namespace {

std::string why(int code) { return std::generic_category().message(code); }

task<std::vector<protocol::endpoint>> resolve(endpoint const& to, name_lookup& by) {
  std::vector<protocol::endpoint> out;
  if (!to.path.empty()) {
    if (to.path.size() >= sizeof(sockaddr_un{}.sun_path))
      throw connect_error{"the path of the socket is longer than the system allows", true};
    out.emplace_back(asio::local::stream_protocol::endpoint{to.path});
    co_return out;
  }
  auto const found = co_await by.of(to.host);
  if (!found) throw connect_error{"the name has no address: " + found.error(), false};
  for (auto const& each : *found) out.emplace_back(asio::ip::tcp::endpoint{asio::ip::make_address(each), to.port});
  co_return out;
}

void set_options(int socket) noexcept {
  constexpr int on = 1, idle = 30, interval = 5, count = 3;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

}  // namespace

stream::stream(shard& home, endpoint to) : to_{std::move(to)}, socket_{home.io()} {}
stream::~stream() = default;

task<std::shared_ptr<stream>> stream::open(shard& home, endpoint to, ssl_ctx_st* secure,
                                           std::chrono::milliseconds limit) {
  co_await uncancellable();
  auto made = std::make_shared<stream>(home, std::move(to));
  name_lookup names{home};
  // Null once the attempt is over: the loop may have queued the timer's end already by then.
  auto const current = std::make_shared<stream*>(made.get());
  struct leave {
    std::shared_ptr<stream*> const& what;
    ~leave() { *what = nullptr; }
  } const on_leaving{current};
  asio::steady_timer timer{home.io(), limit};
  timer.async_wait([current, &names](boost::system::error_code error) {
    if (error || *current == nullptr) return;
    (*current)->timed_out_ = true;
    (*current)->close();
    names.end();
  });
  std::exception_ptr failed;
  try {
    auto const addresses = co_await resolve(made->to_, names);
    for (auto const& each : addresses) {
      if (made->timed_out_) break;  // a connect would open the socket again
      failed = nullptr;
      try {
        co_await made->connect_to(each);
        if (secure != nullptr) {
          made->connected_ = true;
          made->tls_ = std::make_unique<tls::session>(secure, made->socket_.native_handle());
          made->tls_->connect(made->to_.host);
          co_await made->shake_hands();
        }
        break;
      } catch (connect_error const&) {
        failed = std::current_exception();
      }
    }
  } catch (connect_error const&) {
    failed = std::current_exception();
  }
  if (names.was_ended())
    throw connect_error{"the name was not resolved in " + std::to_string(limit.count()) + " ms", false};
  if (made->timed_out_)
    throw connect_error{(made->connected_ ? "TLS: no answer to the handshake in " : "no answer in ") +
                            std::to_string(limit.count()) + " ms" +
                            (made->connected_ ? ": does it speak TLS there?" : ""),
                        false};
  if (failed) std::rethrow_exception(failed);
  co_return made;
}

task<> stream::connect_to(protocol::endpoint at) {
  boost::system::error_code error;
  close();
  tls_.reset();
  if (socket_.open(at.protocol(), error) || socket_.native_non_blocking(true, error))
    throw connect_error{error.message(), false};
  step connected;
  socket_.async_connect(at, connected.handler());
  co_await connected.done;
  if (connected.error) throw connect_error{connected.error.message(), false};
  if (at.protocol().family() != AF_UNIX) set_options(socket_.native_handle());
}

task<> stream::shake_hands() {
  for (;;) {
    auto const made = tls_->handshake();
    if (made.state == io_state::done) co_return;
    if (made.state != io_state::wait_read && made.state != io_state::wait_write)
      throw connect_error{"TLS: " + tls_->reason(), tls_->is_refusal()};
    step ready;
    socket_.async_wait(made.state == io_state::wait_read ? protocol::socket::wait_read : protocol::socket::wait_write,
                       ready.handler());
    co_await ready.done;
    if (ready.error) throw connect_error{"TLS: " + ready.error.message(), false};
  }
}

tls::io_result stream::read(char* into, std::size_t size) noexcept {
  if (tls_ != nullptr) return tls_->read(into, size);
  for (;;) {
    auto const got = ::recv(socket_.native_handle(), into, size, 0);
    if (got > 0) return {io_state::done, static_cast<std::size_t>(got)};
    if (got == 0) return {io_state::end};
    if (errno == EINTR) continue;
    return {errno == EAGAIN || errno == EWOULDBLOCK ? io_state::wait_read : io_state::failed};
  }
}

tls::io_result stream::write(std::string_view text) noexcept {
  if (tls_ != nullptr) return tls_->write(text);
  for (;;) {
    auto const sent = ::send(socket_.native_handle(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {io_state::done, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    return {errno == EAGAIN || errno == EWOULDBLOCK ? io_state::wait_write : io_state::failed};
  }
}

void stream::listen(user& who) {
  user_ = &who;
  wait_readable();
}

void stream::wait_readable() {
  // Whoever is told of bytes may hand the stream over to another, who listens then, before reading has come to its end.
  if (std::exchange(waits_readable_, true)) return;
  socket_.async_wait(protocol::socket::wait_read, [self = shared_from_this()](boost::system::error_code error) {
    self->waits_readable_ = false;
    if (error || self->user_ == nullptr) return;
    self->read_some();
  });
}

void stream::read_some() {
  // A server that never stops talking must not keep the loop from its other work.
  constexpr int most_pieces = 16;
  std::array<char, 16 << 10> piece;
  for (int i = 0; i < most_pieces && user_ != nullptr; ++i) {
    auto const got = read(piece.data(), piece.size());
    switch (got.state) {
      case io_state::done: user_->on_bytes({piece.data(), got.size}); break;
      case io_state::wait_read: return wait_readable();
      case io_state::wait_write: return wait_readable();  // TLS 1.3 and no renegotiation: does not happen
      case io_state::end: return fail("the server closed the connection");
      case io_state::failed: return fail(why_broken());
    }
    // Less than asked for: the socket is empty, and the loop will tell when it is not.
    if (tls_ == nullptr && got.size < piece.size()) break;
  }
  if (user_ != nullptr) wait_readable();
}

void stream::send() {
  if (writing_ || user_ == nullptr) return;
  while (sent_ < out_.size()) {
    auto const went = write(std::string_view{out_}.substr(sent_));
    switch (went.state) {
      case io_state::done: sent_ += went.size; break;
      case io_state::wait_write:
      case io_state::wait_read: return wait_writable();
      default: return fail(why_not_sent());
    }
  }
  sent_ = 0;
  constexpr std::size_t worth_keeping = 256 << 10;
  if (out_.capacity() > worth_keeping)
    out_ = {};
  else
    out_.clear();
}

void stream::wait_writable() {
  writing_ = true;
  socket_.async_wait(protocol::socket::wait_write, [self = shared_from_this()](boost::system::error_code error) {
    self->writing_ = false;
    if (error || self->user_ == nullptr) return;
    self->send();
    if (self->user_ != nullptr && !self->writing_) self->user_->on_sent();
  });
}

// Of what has just failed.
std::string stream::why_broken() const {
  return "the connection broke: " + (tls_ != nullptr ? tls_->reason() : why(errno));
}

// The same of a write. A server that refuses us may have said so before it went: its alert lies where it is read.
std::string stream::why_not_sent() {
  auto const reason = why_broken();
  if (tls_ == nullptr) return reason;
  constexpr int most_pieces = 64;
  std::array<char, 16 << 10> dropped;
  for (int i = 0; i < most_pieces && tls_->read(dropped.data(), dropped.size()).state == io_state::done; ++i) continue;
  return tls_->is_refusal() ? why_broken() : reason;
}

void stream::fail(std::string const& reason) {
  auto const keep = shared_from_this();
  auto* const who = user_;
  close();
  if (who != nullptr) who->on_closed(reason);
}

void stream::close() noexcept {
  user_ = nullptr;
  boost::system::error_code ignored;
  std::ignore = socket_.close(ignored);
}

}  // namespace slipway::redis
