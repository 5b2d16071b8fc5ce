// The beginning and the end of a cluster.
#include <slipway/core/errors.hpp>
#include <slipway/db/engines.hpp>
#include <slipway/db/postgres_cluster.hpp>
#include <slipway/db/postgres_connect.hpp>

#include <algorithm>

namespace slipway::db::detail {

void pg_cluster::add_server(settings const& s, std::string url, std::string const& name) {
  auto one = std::make_unique<pg_server>();
  one->place = place_of_one(s, url, name);
  one->settings = s;
  one->settings.url = std::move(url);
  servers_.push_back(std::move(one));
}

pg_cluster::pg_cluster(settings const& s, shards& on) : settings_{s}, on_{on}, parts_{on.size()} {
  add_server(s, s.url, "database.url");
  for (std::size_t i = 0; i < s.replicas.size(); ++i)
    add_server(s, s.replicas[i], "database.replicas[" + std::to_string(i) + "]");
  // A server that swallows packets holds up one thread for each attempt to connect, and must not hold up the others.
  auto const threads = static_cast<unsigned>(2 + 2 * servers_.size());
  helpers_ = std::make_unique<blocking_pool>("postgres-help", blocking_pool::limits{.threads = threads, .queue = 4096});
  try {
    on.on_each([this](shard& each) { parts_.of(each) = std::make_unique<pg_cluster_part>(*this, each, *helpers_); });
    on.on_each([this](shard& each) {
      if (each.index() != 0) return;
      for (unsigned i = 0; i < servers_.size(); ++i) {
        servers_[i]->watch = std::make_shared<pg_watch>(pg_watch::parts{
            servers_[i]->settings, each, *helpers_, [this, i](pg_sample const& sample) { on_sample(i, sample); },
            [this, i](std::string const& why, bool is_final) { on_lost(i, why, is_final); }});
      }
      for (auto const& server : servers_) server->watch->start();
      ticker_ = each.on_tick([this, &each] {
        for (auto const& server : servers_) server->watch->tick(each.coarse_now());
      });
    });
    wait_for_start();
  } catch (...) {
    shut_down();
    throw;
  }
}

pg_cluster::~pg_cluster() { shut_down(); }

void pg_cluster::wait_for_start() {
  // As long as a server alone gets: some patience with those that are just starting.
  auto patience = settings_.connect_timeout;
  for (unsigned attempt = 1; attempt < settings_.connect_attempts; ++attempt)
    patience += std::chrono::milliseconds{100} * (1u << std::min(attempt, 5u));
  std::unique_lock lock{mutex_};
  auto const heard_all = [this] {
    return std::ranges::all_of(servers_, [](auto const& s) { return s->was_heard_of; });
  };
  auto const until = std::chrono::steady_clock::now() + patience;
  changed_.wait_until(lock, until, [&] {
    return heard_all() &&
           (primary_.load() >= 0 || std::ranges::any_of(servers_, [](auto const& s) { return s->says_no; }));
  });
  if (primary_.load() < 0) refuse_start();
  std::string replicas;
  int version = 0;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    auto const& one = *servers_[i];
    if (one.part.load() == server_part::foreign)
      throw startup_error{exit_code::config, "database.replicas: " + one.place + " belongs to another cluster than " +
                                                 servers_[0]->place + ": it is no replica of it. Correct the URLs."};
    version = std::max(version, one.version.load());
    if (i > 0) replicas += (i > 1 ? "; " : "") + one.place;
  }
  description_ = "PostgreSQL " + std::to_string(version / 10'000) + "." + std::to_string(version % 10'000) + " at " +
                 servers_[0]->place + ", with " + replicas;
}

// Under the lock.
void pg_cluster::refuse_start() {
  std::string all;
  bool says_no = false;
  for (auto const& each : servers_) {
    auto const part = each->part.load();
    says_no |= each->says_no;
    all += (all.empty() ? "" : "; ") + each->place + ": " +
           (part == server_part::replica || part == server_part::behind ? "a replica" : each->detail);
  }
  throw startup_error{says_no ? exit_code::config : exit_code::unavailable,
                      "database.url, database.replicas: none of these PostgreSQL servers is a primary: " + all +
                          (says_no ? ". Correct the URLs, or the servers." : ". Start or promote one.")};
}

void pg_cluster::shut_down() {
  on_.on_each([this](shard& each) {
    if (each.index() == 0) {
      ticker_ = {};
      for (auto const& server : servers_)
        if (server->watch) server->watch->close();
    }
    if (auto& mine = parts_.of(each)) mine->close();
  });
  helpers_.reset();  // its last jobs have sent word to their shards by now
  on_.on_each([this](shard& each) { parts_.of(each).reset(); });
  on_.on_each([this](shard& each) {
    if (each.index() == 0)
      for (auto const& server : servers_) server->watch.reset();
  });
}

std::unique_ptr<engine> make_postgres_cluster(settings const& s, shards& on) {
  return std::make_unique<pg_cluster>(s, on);
}

}  // namespace slipway::db::detail
