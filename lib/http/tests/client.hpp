// A plain client for the tests: it sends the bytes that it is told to, and reads responses by HTTP's framing.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::http::tests {

struct answer {
  int status = 0;
  std::string head, body;
  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

class client {
 public:
  explicit client(std::string const& address) {
    if (address.starts_with("unix:")) {
      socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      std::strncpy(to.sun_path, address.c_str() + 5, sizeof to.sun_path - 1);
      connect(reinterpret_cast<sockaddr*>(&to), sizeof to);
    } else if (address.starts_with('[')) {
      socket_ = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
      to.sin6_addr = in6addr_loopback;
      connect(reinterpret_cast<sockaddr*>(&to), sizeof to);
    } else {
      socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      int const on = 1;
      ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connect(reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
  }
  client(client const&) = delete;
  client& operator=(client const&) = delete;
  ~client() { close(); }

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void reset() {
    linger const hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  int descriptor() const { return socket_; }

  // False: the server has closed.
  bool send(std::string_view text) {
    while (!text.empty()) {
      auto const n = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // More bytes into the buffer. False at the end of the connection; throws after ten seconds of nothing.
  bool more() {
    pollfd p{socket_, POLLIN, 0};
    if (::poll(&p, 1, 10'000) != 1) throw std::runtime_error{"nothing came; so far: " + buffer_};
    char piece[65'536];
    auto const n = ::recv(socket_, piece, sizeof piece, 0);
    if (n <= 0) return false;
    buffer_.append(piece, static_cast<std::size_t>(n));
    return true;
  }
  bool nothing_within(int milliseconds) {
    pollfd p{socket_, POLLIN, 0};
    return buffer_.empty() && ::poll(&p, 1, milliseconds) == 0;
  }
  std::string until_closed() {
    while (more()) {}
    return std::exchange(buffer_, {});
  }
  bool closed() { return buffer_.empty() && !more(); }

  std::string take(std::size_t n) {
    while (buffer_.size() < n)
      if (!more()) throw std::runtime_error{"closed too early: " + buffer_};
    auto out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }
  std::string take_through(std::string_view mark) {
    for (std::size_t from = 0;;) {
      auto const at = buffer_.find(mark, from);
      if (at != std::string::npos) return take(at + mark.size());
      from = buffer_.size() < mark.size() ? 0 : buffer_.size() - mark.size();
      if (!more()) throw std::runtime_error{"closed too early: " + buffer_};
    }
  }

  answer read(bool head_only = false) {
    answer a;
    a.head = take_through("\r\n\r\n");
    a.status = std::stoi(a.head.substr(9, 3));
    if (head_only || a.status == 204 || a.status == 304 || a.status < 200) return a;
    if (a.has("Transfer-Encoding: chunked")) {
      for (;;) {
        auto const size = std::stoul(take_through("\r\n"), nullptr, 16);
        a.body += take(size);
        if (take(2) != "\r\n") throw std::runtime_error{"bad chunk"};
        if (size == 0) return a;
      }
    }
    auto const length = a.head.find("Content-Length: ");
    if (length == std::string::npos) {
      while (more()) {}
      a.body = std::exchange(buffer_, {});
    } else {
      a.body = take(std::stoul(a.head.substr(length + 16)));
    }
    return a;
  }
  answer ask(std::string_view text) {
    send(text);
    return read();
  }

 private:
  void connect(sockaddr* to, socklen_t size) {
    if (::connect(socket_, to, size) != 0) {
      ::close(std::exchange(socket_, -1));
      throw std::runtime_error{std::string{"connect: "} + std::strerror(errno)};
    }
  }
  int socket_ = -1;
  std::string buffer_;
};

inline std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view fields = {}) {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string{fields} + "\r\n" + std::string{body};
}
inline std::string chunked(std::string_view body, std::size_t size) {
  std::string out;
  char head[32];
  for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) {
    auto const piece = body.substr(0, size);
    std::snprintf(head, sizeof head, "%zx;x=y\r\n", piece.size());
    out += head + std::string{piece} + "\r\n";
  }
  return out + "0\r\nTrailer: z\r\n\r\n";
}

}  // namespace slipway::http::tests
