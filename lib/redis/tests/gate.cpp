#include "gate.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace slipway::redis::tests {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  return at;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void prepare(int socket) {
  ::fcntl(socket, F_SETFL, O_NONBLOCK);
  int const on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// False: that side is over.
bool take(int from, std::string& into) {
  char part[16 << 10];
  auto const n = ::recv(from, part, sizeof part, 0);
  if (n > 0) into.append(part, static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool give(int to, std::string& from, std::size_t most) {
  auto const n = ::send(to, from.data(), std::min(most, from.size()), MSG_NOSIGNAL);
  if (n > 0) from.erase(0, static_cast<std::size_t>(n));
  return n >= 0 || errno == EAGAIN || errno == EINTR;
}

}  // namespace

gate::gate(int to) : to_{to}, listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  auto at = loopback(0);
  socklen_t size = sizeof at;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error{"no gate"};
  port_ = ntohs(at.sin_port);
  prepare(listener_);
  thread_ = std::thread{[this] { run(); }};
}

gate::~gate() {
  ending_ = true;
  thread_.join();
  for (auto const& p : pairs_) {
    ::close(p.client);
    ::close(p.server);
  }
  ::close(listener_);
}

void gate::run() {
  while (!ending_) {
    std::vector<pollfd> watched{{listener_, POLLIN, 0}};
    for (auto const& p : pairs_) {
      watched.push_back({p.client, POLLIN, 0});
      watched.push_back({p.server, POLLIN, 0});
    }
    ::poll(watched.data(), watched.size(), 2);
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      auto& p = pairs_[i];
      auto const readable = [&](std::size_t at) { return (watched[at].revents & (POLLIN | POLLHUP | POLLERR)) != 0; };
      if (p.cuts == cuts_ && move(p, readable(1 + 2 * i), readable(2 + 2 * i))) continue;
      ::close(p.client);
      ::close(p.server);
      pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if ((watched[0].revents & POLLIN) == 0) continue;
    auto const client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) continue;
    auto const server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto const at = loopback(to_);
    if (mode_ == mode::refuse || ::connect(server, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0) {
      ::close(client);
      ::close(server);
      continue;
    }
    prepare(client);
    prepare(server);
    ++accepted_;
    pairs_.push_back({.client = client, .server = server, .cuts = cuts_, .to_client = {}, .to_server = {}});
  }
}

bool gate::move(pair& p, bool readable_client, bool readable_server) {
  auto const m = mode_.load();
  if (readable_client && !take(p.client, p.to_server)) return false;
  auto const was_empty = p.to_client.empty();
  if (readable_server && !take(p.server, p.to_client)) return false;
  if (m == mode::stall) return true;
  if (!give(p.server, p.to_server, p.to_server.size())) return false;
  if (p.to_client.empty()) return true;
  if (m == mode::delay && was_empty) p.not_before = now_ms() + 30;
  if ((m == mode::delay || m == mode::drip) && now_ms() < p.not_before) return true;
  if (m == mode::drip) {
    p.not_before = now_ms() + 20;
    return give(p.client, p.to_client, 1);
  }
  if (m == mode::truncate) {
    if (p.allowed == SIZE_MAX) p.allowed = 7;
    auto const before = p.to_client.size();
    if (!give(p.client, p.to_client, p.allowed)) return false;
    p.allowed -= before - p.to_client.size();
    return p.allowed != 0;
  }
  return give(p.client, p.to_client, p.to_client.size());
}

}  // namespace slipway::redis::tests
