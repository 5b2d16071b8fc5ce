#include <slipway/http/transport.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace slipway::http {

io_result transport::read_plain(char* into, std::size_t size) noexcept {
  for (;;) {
    auto const got = ::recv(socket_, into, size, 0);
    if (got > 0) [[likely]]
      return {io_state::done, static_cast<std::size_t>(got)};
    if (got == 0) return {io_state::end};
    if (errno == EINTR) continue;
    return {errno == EAGAIN || errno == EWOULDBLOCK ? io_state::wait_read : io_state::failed};
  }
}

io_result transport::write(std::string_view first, std::string_view second) noexcept {
  if (tls_ != nullptr) return tls_->write(first.empty() ? second : first);
  for (;;) {
    ssize_t sent;
    if (second.empty()) [[likely]] {
      sent = ::send(socket_, first.data(), first.size(), MSG_NOSIGNAL);
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
