#include <slipway/http/connection.hpp>
#include <slipway/http/worker.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <ctime>

namespace slipway::http {
namespace {

// How long a client that was active a moment ago may still send its next request while the server stops.
constexpr std::chrono::milliseconds drain_grace{250};
constexpr std::chrono::milliseconds linger_limit{2'000};
constexpr std::size_t kept_workspaces = 256;

connection& of(waiting_link& link) noexcept { return static_cast<connection&>(link); }

}  // namespace

tuning tuning_of(server_settings const& s, unsigned shards) noexcept {
  return {s.max_connections, (s.max_in_flight + shards - 1) / shards,
          s.head_timeout,    s.body_timeout,
          s.idle_timeout,    s.write_timeout,
          s.write_rate};
}

worker::worker(shard& home, server_core& core) : tuned{core.at_start}, home_{home}, core_{core} {
  start_of_heads_.refresh(std::time(nullptr));
}
worker::~worker() { delete spare_; }

void worker::start() {
  ticker_ = home_.on_tick([this] { sweep(); });
}

workspace* worker::lend_other() {
  if (workspaces_.empty()) return new workspace{core_.limits.fields};
  auto* const w = workspaces_.back().release();
  workspaces_.pop_back();
  return w;
}

void worker::give_back_other(workspace* w) noexcept {
  std::unique_ptr<workspace> owned{w};
  if (workspaces_.size() < kept_workspaces) workspaces_.push_back(std::move(owned));
}

void worker::enter(connection& c, phase p) noexcept {
  bool const linked = c.previous != &c;
  if (!linked || c.waits_for != p) {
    if (linked) count.in_phase[static_cast<std::size_t>(c.waits_for)].subtract();
    count.in_phase[static_cast<std::size_t>(p)].add();
  }
  c.unlink();
  c.waits_for = p;
  c.since = home_.coarse_now();
  waiting_[static_cast<std::size_t>(p)].append(c);
}

void worker::remove(connection& c) noexcept {
  count.in_phase[static_cast<std::size_t>(c.waits_for)].subtract();
  c.unlink();
  count.open.subtract();
  if (!draining_) [[likely]] {
    core_.open.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  std::lock_guard lock{core_.mutex};
  core_.open.fetch_sub(1, std::memory_order_relaxed);
  core_.one_gone.notify_all();
}

bool worker::evict() noexcept {
  for (auto p : {phase::idle, phase::head, phase::lingering}) {
    auto& list = waiting_[static_cast<std::size_t>(p)];
    if (list.next == &list) continue;
    auto& oldest = of(*list.next);
    // It ends in a moment; until then it must not be found again.
    oldest.unlink();
    leaving_.append(oldest);
    oldest.interrupt(verdict::evicted);
    return true;
  }
  return false;
}

void worker::take(int socket, bool secure) {
  count.accepted.add();
  auto const open = core_.open.fetch_add(1, std::memory_order_relaxed);
  if (open >= tuned.max_connections && !evict()) {
    core_.open.fetch_sub(1, std::memory_order_relaxed);
    count.refused.add();
    // No request has been read, so there is no exchange for an error page: one text serves all.
    constexpr std::string_view sorry =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Type: application/problem+json\r\nContent-Length: 86\r\n\r\n"
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"unavailable\"}";
    if (!secure) static_cast<void>(::send(socket, sorry.data(), sorry.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    ::shutdown(socket, SHUT_WR);
    ::close(socket);
    return;
  }
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  std::optional<address> from;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0) from = address::from(peer);
  connection::start(*this, socket, from, secure);
}

void worker::sweep() {
  start_of_heads_.refresh(std::time(nullptr));
  auto const& s = tuned;
  sweep_ordered(phase::idle, draining_ ? std::min(s.idle_timeout, drain_grace) : s.idle_timeout);
  sweep_ordered(phase::head, s.head_timeout);
  sweep_ordered(phase::body, s.body_timeout);
  sweep_writing();
  sweep_ordered(phase::lingering, linger_limit);
  sweep_running(phase::running);
  sweep_running(phase::body);
}

// A list is in the order of waiting, so only those whose time is up are looked at.
void worker::sweep_ordered(phase p, std::chrono::milliseconds limit) {
  auto& list = waiting_[static_cast<std::size_t>(p)];
  auto const now = home_.coarse_now();
  while (list.next != &list) {
    auto& c = of(*list.next);
    if (now - c.since < limit) return;
    if (p != phase::idle && p != phase::lingering) count.timed_out.add();
    // The wait ends through the poller, later; by then the connection must be in a list again.
    c.since = now;
    c.unlink();
    list.append(c);
    c.interrupt(p == phase::idle && draining_ ? verdict::drained : verdict::late);
  }
}

// Ending a wait runs nothing here and now, so the list does not change on the way.
void worker::sweep_writing() {
  auto& list = waiting_[static_cast<std::size_t>(phase::writing)];
  auto const now = home_.coarse_now();
  for (auto* at = list.next; at != &list; at = at->next)
    if (of(*at).check_reader(now)) count.timed_out.add();
}

void worker::sweep_running(phase p) {
  auto& list = waiting_[static_cast<std::size_t>(p)];
  auto const now = home_.coarse_now();
  // A cancellation may resume a handler here and now, which moves its connection to another list and may end others'
  // waits; so the list is taken over first and each is put back before it is checked.
  waiting_link todo;
  while (list.next != &list) {
    auto& first = *list.next;
    first.unlink();
    todo.append(first);
  }
  while (todo.next != &todo) {
    auto& first = *todo.next;
    first.unlink();
    list.append(first);
    of(first).check(now);
  }
}

std::size_t worker::cut() {
  std::size_t requests = 0;
  for (auto p : {phase::body, phase::running, phase::writing, phase::head, phase::idle, phase::lingering}) {
    auto& list = waiting_[static_cast<std::size_t>(p)];
    waiting_link todo;
    while (list.next != &list) {
      auto& first = *list.next;
      first.unlink();
      todo.append(first);
    }
    while (todo.next != &todo) {
      auto& c = of(*todo.next);
      c.unlink();
      list.append(c);
      if (p == phase::body || p == phase::running || p == phase::writing) ++requests;
      if (p != phase::running) c.interrupt(verdict::cut);
      c.cancel(cancel_reason::shutdown);
    }
  }
  return requests;
}

}  // namespace slipway::http
