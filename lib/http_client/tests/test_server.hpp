// A server of a few lines for the client's tests: a thread for each connection, and an answer for each request from
// a function. It speaks HTTP/1.1 in plain text or, with a context, TLS.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace slipway::http_client {

inline std::string answer(int status, std::string const& body = "", std::string const& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

class test_server {
 public:
  // Gets the whole request and its number; an empty answer closes the connection.
  using handler = std::function<std::string(std::string const& request, int number)>;

  // `address`: in the byte order of the machine, one of 127.0.0.0/8.
  explicit test_server(handler h, SSL_CTX* tls = nullptr, in_addr_t address = INADDR_LOOPBACK)
      : handle_{std::move(h)}, tls_{tls}, listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in at{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(address)}};
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error{"the test's server cannot listen"};
    port_ = ntohs(at.sin_port);
    acceptor_ = std::jthread{[this] { accept(); }};
  }
  ~test_server() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard lock{mutex_};
      for (int peer : peers_) ::shutdown(peer, SHUT_RDWR);
    }
    connections_.clear();
    for (int peer : peers_) ::close(peer);
    ::close(listener_);
  }

  std::string url(std::string const& path = "/", std::string const& host = "127.0.0.1") const {
    return (tls_ != nullptr ? "https://" : "http://") + host + ":" + std::to_string(port_) + path;
  }
  unsigned port() const { return port_; }
  std::vector<std::string> requests() {
    std::lock_guard lock{mutex_};
    return requests_;
  }
  int connection_count() const { return accepted_; }
  // From now on nobody answers here; the connections that there are go on.
  void stop_listening() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
  }

 private:
  void accept() {
    while (!stopping_) {
      int const peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      ++accepted_;
      std::lock_guard lock{mutex_};
      peers_.push_back(peer);
      connections_.emplace_back([this, peer] { serve(peer); });
    }
  }

  void serve(int peer) {
    // OpenSSL writes without MSG_NOSIGNAL, and a client that refuses a certificate hangs up.
    sigset_t broken_pipe;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    SSL* ssl = nullptr;
    if (tls_ != nullptr) {
      ssl = SSL_new(tls_);
      SSL_set_fd(ssl, peer);
      if (SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        ::shutdown(peer, SHUT_RDWR);
        return;
      }
    }
    auto const read = [&](char* to, std::size_t n) {
      return ssl != nullptr ? SSL_read(ssl, to, static_cast<int>(n)) : static_cast<int>(::recv(peer, to, n, 0));
    };
    std::string got;
    for (bool open = true; open;) {
      if (tls_ == nullptr && got.starts_with('\x16')) got = "TLS spoken to a server without it\r\n\r\n";
      auto const head = got.find("\r\n\r\n");
      auto const at = got.find("Content-Length: ");
      auto const need =
          head == std::string::npos ? got.size() + 1 : head + 4 + (at < head ? std::stoul(got.substr(at + 16)) : 0);
      if (got.size() < need) {
        char block[16'384];
        auto const n = read(block, sizeof block);
        if (n <= 0) break;
        got.append(block, static_cast<std::size_t>(n));
        continue;
      }
      auto const request = got.substr(0, need);
      got.erase(0, need);
      int number = 0;
      {
        std::lock_guard lock{mutex_};
        requests_.push_back(request);
        number = static_cast<int>(requests_.size());
      }
      auto const reply = handle_(request, number);
      open = !reply.empty() && reply.find("Connection: close") == std::string::npos;
      for (std::size_t sent = 0; sent < reply.size();) {
        auto const n = ssl != nullptr
                           ? SSL_write(ssl, reply.data() + sent, static_cast<int>(reply.size() - sent))
                           : static_cast<int>(::send(peer, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL));
        if (n <= 0) {
          open = false;
          break;
        }
        sent += static_cast<std::size_t>(n);
      }
    }
    if (ssl != nullptr) {
      SSL_shutdown(ssl);
      SSL_free(ssl);
    }
    ::shutdown(peer, SHUT_RDWR);
  }

  handler handle_;
  SSL_CTX* tls_;
  int listener_;
  unsigned port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<int> peers_;
  std::list<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace slipway::http_client
