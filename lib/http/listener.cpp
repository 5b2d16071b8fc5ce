#include <slipway/core/descriptor.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/http/listener.hpp>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace slipway::http {

namespace asio = boost::asio;

namespace {

constexpr int backlog = 4'096;

class socket_listener final : public listener {
  // Whoever connects between the last accept and the close would be cut off with their request. Their first packet is
  // dropped instead, so that they ask again and are then refused, or taken by another process.
  void refuse_more() noexcept {
    sock_filter drop{BPF_RET | BPF_K, 0, 0, 0};
    sock_fprog const program{1, &drop};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  }

 public:
  socket_listener(worker& to, int socket, bool secure)
      : to_{to}, socket_{to.home().io(), socket}, timer_{to.home().io()}, secure_{secure} {
    wait();
  }

  void close() override {
    refuse_more();
    accept_all();
    boost::system::error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
  }

 private:
  void wait() {
    socket_.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code error) {
      if (error) return;  // closed; this object may be gone
      if (accept_all())
        wait();
      else
        wait_a_little();
    });
  }

  // No descriptors or no memory: the queue stays, and is looked at again when some connection may have ended.
  void wait_a_little() {
    to_.evict();
    timer_.expires_after(shard::tick);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) wait();
    });
  }

  bool accept_all() {
    constexpr int most_at_once = 4 * backlog;  // so that others get their turn under a flood
    for (int i = 0; i < most_at_once; ++i) {
      auto const accepted = ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0) {
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM) continue;
        return errno == EAGAIN || errno == EWOULDBLOCK;
      }
      int const on = 1;
      ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a Unix socket does not know it: no matter
      to_.take(accepted, secure_);
    }
    return true;
  }

  worker& to_;
  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> socket_;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      timer_;
  bool secure_;
};

}  // namespace

listen_address::listen_address(std::string const& text, std::string key) : text_{text}, key_{std::move(key)} {
  if (text.starts_with("unix:")) {
    path_ = text.substr(5);
    if (path_.empty() || path_.size() >= sizeof(sockaddr_un::sun_path))
      throw startup_error{exit_code::config, fmt::format("{} has '{}': a Unix socket's path has 1 to {} bytes.", key_,
                                                         text, sizeof(sockaddr_un::sun_path) - 1)};
    return;
  }
  auto const colon = text.rfind(':');
  host_ = text.substr(0, colon);
  if (colon != std::string::npos) port_ = text.substr(colon + 1);
  brackets_ = host_.starts_with('[') && host_.ends_with(']');
  if (brackets_) host_ = host_.substr(1, host_.size() - 2);
  bool const number = !port_.empty() && port_.size() <= 5 && port_.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoi(port_) > 65'535 || host_.empty() || (!brackets_ && host_.find(':') != std::string::npos))
    throw startup_error{exit_code::config,
                        fmt::format("{} has '{}': write host:port, [::1]:port or unix:/path.", key_, text)};
}

std::string listen_address::text() const {
  if (is_unix()) return "unix:" + path_;
  return brackets_ ? fmt::format("[{}]:{}", host_, port_) : fmt::format("{}:{}", host_, port_);
}

void listen_address::refuse(int error) const {
  auto const cannot = [this](exit_code code, std::string const& why) {
    throw startup_error{code, fmt::format("cannot listen on {}: {}", text_, why)};
  };
  switch (error) {
    case EADDRINUSE:
      cannot(exit_code::cannot_create,
             fmt::format("the address is in use. Stop the program that has it (ss -ltnp shows it), or choose another "
                         "in {}.",
                         key_));
      break;
    case EACCES:
    case EPERM:
      cannot(exit_code::permission,
             fmt::format("{}. Ports below 1024 need CAP_NET_BIND_SERVICE; a Unix socket needs a directory that may be "
                         "written. Or choose another in {}.",
                         std::strerror(error), key_));
      break;
    case EADDRNOTAVAIL:
      cannot(exit_code::config,
             fmt::format("no interface of this machine has that address. Choose another in {}.", key_));
      break;
    case ENOENT:
    case ENOTDIR:
      cannot(exit_code::cannot_create, fmt::format("its directory is not there ({}). Make it, or choose another in {}.",
                                                   std::strerror(error), key_));
      break;
    default: break;
  }
  throw startup_error{exit_code::os, fmt::format("cannot listen on {}: {}.", text_, std::strerror(error))};
}

int listen_address::open() { return is_unix() ? open_unix() : open_tcp(); }

int listen_address::open_unix() {
  if (shared_ >= 0) {
    auto const another = ::fcntl(shared_, F_DUPFD_CLOEXEC, 0);
    if (another < 0) refuse(errno);
    return another;
  }
  descriptor s{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (s.get() < 0) refuse(errno);
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path_.c_str(), path_.size() + 1);
  auto const* address = reinterpret_cast<sockaddr const*>(&where);
  struct stat existing{};
  if (::lstat(path_.c_str(), &existing) == 0) {
    // A file that nobody listens on is left over from a process that was killed. Anything but a socket is not ours, and
    // of one that cannot be reached (another user's) nobody knows.
    if (!S_ISSOCK(existing.st_mode) || ::connect(s.get(), address, sizeof where) == 0 || errno != ECONNREFUSED)
      refuse(EADDRINUSE);
    if (::unlink(path_.c_str()) != 0) refuse(errno);
    return open_unix();
  }
  if (::bind(s.get(), address, sizeof where) != 0 || ::listen(s.get(), backlog) != 0) refuse(errno);
  shared_ = s.get();
  return s.release();
}

int listen_address::open_tcp() {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (auto const error = ::getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found); error != 0)
    throw startup_error{exit_code::config,
                        fmt::format("{} has '{}': the host is not known ({}).", key_, text_, ::gai_strerror(error))};
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const owned{found, &::freeaddrinfo};
  descriptor s{::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (s.get() < 0) refuse(errno);
  int const on = 1;
  ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (found->ai_family == AF_INET6) ::setsockopt(s.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // The first socket is bound without SO_REUSEPORT, which would let it share the port with another process of this
  // user unnoticed. It is set before listening, and so the other shards' sockets may join.
  if (shared_ >= 0) ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(s.get(), found->ai_addr, found->ai_addrlen) != 0) refuse(errno);
  ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::listen(s.get(), backlog) != 0) refuse(errno);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(s.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  auto const port = bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                                : reinterpret_cast<sockaddr_in&>(bound).sin_port;
  port_ = std::to_string(ntohs(port));
  shared_ = s.get();
  return s.release();
}

void listen_address::remove() noexcept {
  if (is_unix() && shared_ >= 0) ::unlink(path_.c_str());
  shared_ = -1;
}

std::unique_ptr<listener> make_listener(worker& to, int socket, bool secure) {
  return std::make_unique<socket_listener>(to, socket, secure);
}

}  // namespace slipway::http
