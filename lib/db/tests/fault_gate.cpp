#include "fault_gate.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace slipway::db::tests {
namespace {

constexpr std::size_t most = 256 << 10;  // that waits in one direction

sockaddr_in loopback(int port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void say_at_once(int socket) noexcept {
  int const on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// With a reset, as a host that is gone: what was sent and not read yet is lost.
void break_off(int& socket) noexcept {
  if (socket < 0) return;
  linger const at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(socket, -1));
}

}  // namespace

fault_gate::fault_gate(int to) : target_{to} {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening_, 128) != 0 ||
      ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error{"the gate has no port"};
  port_ = ntohs(address.sin_port);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread{[this] { run(); }};
}

fault_gate::~fault_gate() {
  {
    std::lock_guard const lock{mutex_};
    stopping_ = true;
  }
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = ::write(wake_, &one, sizeof one);
  thread_.join();
  for (auto& c : all_) {
    break_off(c.client);
    break_off(c.server);
  }
  ::close(listening_);
  ::close(wake_);
}

void fault_gate::set(rules r, bool ends_all) {
  std::lock_guard const lock{mutex_};
  rules_ = r;
  for (auto& c : all_) {
    c.broken = c.broken || ends_all;
    c.budget = r.budget;
  }
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = ::write(wake_, &one, sizeof one);
}

void fault_gate::pass() { set({}, false); }
void fault_gate::cut() { set({}, true); }
void fault_gate::refuse() { set({.refuses = true}, true); }
void fault_gate::stall() { set({.stalls = true}, false); }
void fault_gate::freeze() {
  set({}, false);
  std::lock_guard const lock{mutex_};
  for (auto& c : all_) c.frozen = true;
}
void fault_gate::truncate(std::size_t after) { set({.budget = after}, false); }
void fault_gate::cut_at_the_next_word() {
  set({}, false);
  std::lock_guard const lock{mutex_};
  for (auto& c : all_) c.budget = 0;
}
void fault_gate::delay(std::chrono::milliseconds by) { set({.late = by}, false); }
void fault_gate::drip(std::size_t at_once) { set({.at_once = at_once}, false); }

void fault_gate::withhold() {
  set({.withholds = true}, false);
  std::lock_guard const lock{mutex_};
  told_.clear();
}

bool fault_gate::was_told(std::string_view text) {
  std::lock_guard const lock{mutex_};
  return told_.find(text) != std::string::npos;
}

void fault_gate::forge(std::string from, std::string to) {
  if (from.size() != to.size()) throw std::logic_error{"a forgery changes no lengths"};
  std::lock_guard const lock{mutex_};
  forged_from_ = std::move(from);
  forged_to_ = std::move(to);
}

void fault_gate::accept_one() {
  int const client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  int server = -1;
  if (!rules_.refuses) {
    server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto const address = loopback(target_);
    if (::connect(server, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
      ::close(server);
      server = -1;
    }
  }
  if (server < 0) {
    int gone = client;
    return break_off(gone);
  }
  say_at_once(client);
  say_at_once(server);
  auto& c = all_.emplace_back();
  c.client = client;
  c.server = server;
  c.up.from = c.down.to = client;
  c.up.to = c.down.from = server;
  c.budget = rules_.budget;
}

void fault_gate::read(flow& f, bool from_server) {
  char buffer[16 << 10];
  auto const got = ::recv(f.from, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got > 0) {
    std::string data(buffer, static_cast<std::size_t>(got));
    if (auto const at = forged_from_.empty() ? std::string::npos : data.find(forged_from_); at != std::string::npos)
      data.replace(at, forged_to_.size(), forged_to_);
    if (!from_server && rules_.withholds) told_ += data;
    f.waiting.push_back({clock::now() + rules_.late, std::move(data)});
    f.size += static_cast<std::size_t>(got);
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    f.ended = true;
  }
}

void fault_gate::write(connection& c, flow& f, bool from_server) {
  if (from_server && rules_.withholds) return;
  while (!f.waiting.empty() && f.waiting.front().due <= clock::now()) {
    auto& first = f.waiting.front().data;
    auto size = first.size();
    if (from_server) size = std::min({size, c.budget, rules_.at_once});
    if (size == 0) {
      c.broken = true;
      return;
    }
    auto const sent = ::send(f.to, first.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      c.broken = errno != EAGAIN && errno != EINTR;
      return;
    }
    first.erase(0, static_cast<std::size_t>(sent));
    f.size -= static_cast<std::size_t>(sent);
    if (from_server && c.budget != std::numeric_limits<std::size_t>::max()) c.budget -= static_cast<std::size_t>(sent);
    if (first.empty()) f.waiting.pop_front();
    if (from_server && rules_.at_once != std::numeric_limits<std::size_t>::max()) return;
  }
  if (f.ended && f.waiting.empty()) c.broken = true;
}

void fault_gate::run() {
  for (;;) {
    std::vector<pollfd> watched;
    {
      std::lock_guard const lock{mutex_};
      watched.push_back({listening_, POLLIN, 0});
      watched.push_back({wake_, POLLIN, 0});
      for (auto& c : all_)
        for (auto* f : {&c.up, &c.down})
          if (!rules_.stalls && !c.frozen && !f->ended && f->size < most) watched.push_back({f->from, POLLIN, 0});
    }
    ::poll(watched.data(), watched.size(), 1);
    std::lock_guard const lock{mutex_};
    if (stopping_) return;
    std::uint64_t ignored;
    while (::read(wake_, &ignored, sizeof ignored) > 0) {}
    if ((watched[0].revents & POLLIN) != 0) accept_one();
    for (auto at = all_.begin(); at != all_.end();) {
      auto& c = *at;
      if (!rules_.stalls && !c.broken && !c.frozen) {
        for (auto* f : {&c.up, &c.down})
          if (!f->ended && f->size < most) read(*f, f == &c.down);
        write(c, c.up, false);
        write(c, c.down, true);
      }
      if (c.broken) {
        break_off(c.client);
        break_off(c.server);
        at = all_.erase(at);
      } else {
        ++at;
      }
    }
  }
}

}  // namespace slipway::db::tests
