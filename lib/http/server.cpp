#include <slipway/core/descriptor.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/http/checks.hpp>
#include <slipway/http/connection.hpp>
#include <slipway/http/listener.hpp>
#include <slipway/http/server.hpp>

namespace slipway::http {

struct server::impl {
  shards& on;
  server_core core;
  std::vector<listen_address> where;
  std::vector<std::unique_ptr<worker>> workers;                   // one for each shard
  std::vector<std::vector<std::unique_ptr<listener>>> listeners;  // of each shard
  bool serving = false;

  impl(shards& all, server_settings settings, parts what) : on{all}, core{std::move(settings), std::move(what)} {
    auto const& s = core.settings;
    core.limits = {s.max_head, s.max_uri, s.max_fields};
    core.at_start = tuning_of(s, on.size());
    if (auto const refused = refused_values(s); !refused.empty())
      throw startup_error{exit_code::config, refused.front().message};
    for (auto const& cidr : s.trusted_proxies) {
      network const n{cidr};
      if (n.is_unix())
        core.trusts_unix = true;
      else
        core.trusted.push_back(n);
    }
    if (!core.parts.error_page) core.parts.error_page = [](exchange&) {};
    if (!core.parts.on_exception)
      core.parts.on_exception = [](exchange& x, std::exception_ptr) { x.response.status = 500; };
  }

  bool is_secure(listen_address const& a) const { return !a.is_unix() && !core.settings.tls.certificate_file.empty(); }

  void close_listeners() {
    on.on_each([this](shard& s) {
      for (auto& l : listeners[s.index()]) l->close();
    });
    // A listener's last wait ends in the loop's next turns, after which nobody looks at the object.
    on.on_each([this](shard& s) { listeners[s.index()].clear(); });
    for (auto& a : where) a.remove();
  }

  bool wait_until_gone(std::chrono::milliseconds limit) {
    std::unique_lock lock{core.mutex};
    return core.one_gone.wait_for(lock, limit, [this] { return core.open.load() == 0; });
  }
};

server::server(shards& on, server_settings settings, parts what)
    : impl_{std::make_unique<impl>(on, std::move(settings), std::move(what))} {}

server::~server() { stop(); }

void server::start() {
  auto& me = *impl_;
  std::shared_ptr<tls_certificates const> certificates;
  if (!me.core.settings.tls.certificate_file.empty()) certificates = load_certificates(me.core.settings.tls);
  for (auto const& text : me.core.settings.listen) me.where.emplace_back(text, me.core.settings.listen_key);

  // All sockets are opened before one accepts, so that a port that is taken is found while nothing is served yet.
  std::vector<std::vector<descriptor>> sockets(me.on.size());
  try {
    for (auto& a : me.where)
      for (auto& of_shard : sockets) of_shard.emplace_back(a.open());
  } catch (...) {
    for (auto& a : me.where) a.remove();
    me.where.clear();
    throw;
  }
  me.workers.clear();
  me.listeners.resize(me.on.size());
  for (unsigned i = 0; i < me.on.size(); ++i) {
    me.workers.push_back(std::make_unique<worker>(me.on[i], me.core));
    me.workers.back()->certificates = certificates;
  }
  me.serving = true;  // from here on there is something to stop, should a part of it fail
  me.on.on_each([&](shard& s) {
    me.workers[s.index()]->start();
    for (std::size_t i = 0; i < me.where.size(); ++i)
      me.listeners[s.index()].push_back(
          make_listener(*me.workers[s.index()], sockets[s.index()][i].release(), me.is_secure(me.where[i])));
  });
}

std::vector<std::string> server::addresses() const {
  std::vector<std::string> out;
  for (auto const& a : impl_->where) out.push_back(a.text());
  return out;
}

std::size_t server::stop() {
  auto& me = *impl_;
  if (!std::exchange(me.serving, false)) return 0;
  me.on.on_each([&](shard& s) { me.workers[s.index()]->begin_drain(); });
  me.close_listeners();
  std::size_t cut = 0;
  // A request may begin or go on until the limit; after it, whatever still runs is told to end, again and again,
  // because a handler that was told may wait for something else next.
  for (auto limit = me.core.settings.drain_limit; !me.wait_until_gone(limit); limit = std::chrono::milliseconds{100}) {
    std::size_t now = 0;
    me.on.on_each([&](shard& s) { now += me.workers[s.index()]->cut(); });
    cut = std::max(cut, now);
  }
  me.on.on_each([&](shard& s) {
    me.workers[s.index()]->stop_ticking();
    me.workers[s.index()]->certificates = nullptr;
  });
  return cut;
}

void server::reload_certificates() {
  auto& me = *impl_;
  if (me.core.settings.tls.certificate_file.empty() || !me.serving) return;
  auto const fresh = load_certificates(me.core.settings.tls);
  me.on.on_each([&](shard& s) { me.workers[s.index()]->certificates = fresh; });
}

void server::change(server_settings const& now) {
  auto& me = *impl_;
  if (!me.serving) return;
  auto const next = tuning_of(now, me.on.size());
  me.on.on_each([&](shard& s) { me.workers[s.index()]->tuned = next; });
}

server_counters server::counters() const {
  server_counters sum;
  for (auto const& w : impl_->workers) {
    auto const& c = w->count;
    sum.accepted += c.accepted.read();
    sum.open += c.open.read();
    sum.idle += c.in_phase[static_cast<std::size_t>(phase::idle)].read();
    sum.in_flight += c.in_flight.read();
    sum.requests += c.requests.read();
    sum.refused += c.refused.read();
    sum.timed_out += c.timed_out.read();
    sum.malformed += c.malformed.read();
    sum.bytes_in += c.bytes_in.read();
    sum.bytes_out += c.bytes_out.read();
  }
  return sum;
}

}  // namespace slipway::http
