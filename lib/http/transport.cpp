#include <slipway/http/transport.hpp>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace slipway::http {
namespace {

// recv and send of the C library are points at which a thread may be cancelled, and pay for that in every process
// with threads, at each call, about as much as parsing a short request line. No thread is ever cancelled here.
ssize_t receive_some(int socket, char* into, std::size_t size) noexcept {
  return ::syscall(SYS_recvfrom, socket, into, size, 0, nullptr, nullptr);
}
ssize_t send_some(int socket, std::string_view text) noexcept {
  return ::syscall(SYS_sendto, socket, text.data(), text.size(), MSG_NOSIGNAL, nullptr, 0);
}

}  // namespace

io_result transport::read_plain(char* into, std::size_t size) noexcept {
  for (;;) {
    auto const got = receive_some(socket_, into, size);
    if (got > 0) [[likely]]
      return {io_state::done, static_cast<std::size_t>(got)};
    if (got == 0) return {io_state::end};
    if (errno == EINTR) continue;
    return {errno == EAGAIN || errno == EWOULDBLOCK ? io_state::wait_read : io_state::failed};
  }
}

io_result transport::discard() noexcept {
  char unread[16'384];
  return read_plain(unread, sizeof unread);
}

io_result transport::write(std::string_view first, std::string_view second) noexcept {
  if (tls_ != nullptr) return tls_->write(first.empty() ? second : first);
  for (;;) {
    ssize_t sent;
    if (second.empty()) [[likely]] {
      sent = send_some(socket_, first);
    } else {
      iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                        {const_cast<char*>(second.data()), second.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    }
    if (sent >= 0) [[likely]]
      return {io_state::done, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    return {errno == EAGAIN || errno == EWOULDBLOCK ? io_state::wait_write : io_state::failed};
  }
}

void transport::end_sending() noexcept {
  if (tls_ != nullptr) tls_->close_notify();
  ::shutdown(socket_, SHUT_WR);
}

}  // namespace slipway::http
