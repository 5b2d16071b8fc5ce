#include <slipway/redis/client.hpp>

#include <slipway/core/all.hpp>
#include <slipway/core/server_url.hpp>
#include <slipway/redis/check.hpp>
#include <slipway/redis/part.hpp>
#include <slipway/redis/tls.hpp>

#include <thread>
#include <unordered_map>

namespace slipway::redis {
namespace {

// The prefix stands for itself in a glob.
std::string escaped(std::string_view text) {
  std::string out;
  for (auto const c : text) {
    if (std::string_view{"*?[]\\^-"}.contains(c)) out += '\\';
    out += c;
  }
  return out;
}

// One command for each slot that the keys lie in, all at once.
task<std::vector<reply>> split(per_shard<std::unique_ptr<part>>& in, naming const& names, std::string_view name,
                               texts keys, bool reads, std::vector<std::vector<std::size_t>>* places) {
  std::unordered_map<int, std::size_t> by_slot;
  std::vector<command> commands;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto const [at, is_new] = by_slot.try_emplace(static_cast<int>(slot_of(names.prefix + keys[i])), commands.size());
    if (is_new) {
      commands.emplace_back(name, &names);
      if (reads) commands.back().reads();
      places->emplace_back();
    }
    commands[at->second].key(keys[i]);
    (*places)[at->second].push_back(i);
  }
  std::vector<task<reply>> tasks;
  tasks.reserve(commands.size());
  for (auto& each : commands) tasks.push_back(part::run(in, std::move(each)));
  co_return co_await all(std::move(tasks));
}

}  // namespace

class client::impl {
 public:
  impl(std::unique_ptr<core> c, shards& on) : shared{std::move(c)}, threads{on}, parts(on.size()) {
    description = "Redis at " + shared->target.servers.front().text();
    std::exception_ptr failed;
    for (unsigned i = 0; i < on.size() && !failed; ++i) {
      try {
        open(on[i], i == 0);
      } catch (...) {
        failed = std::current_exception();
      }
    }
    if (!failed) return;
    shut_down();
    std::rethrow_exception(failed);
  }
  ~impl() { shut_down(); }

  part& local() noexcept { return *parts.local(); }

  std::unique_ptr<core> shared;
  shards& threads;
  per_shard<std::unique_ptr<part>> parts;
  std::string description;

 private:
  static task<> prepare(impl& me, shard& there) {
    me.parts.of(there) = std::make_unique<part>(*me.shared, there);
    co_return;
  }
  static task<> begin(part& what) {
    what.begin();
    co_return;
  }
  static task<> describe(impl& me, part& what) {
    std::string version;
    if (auto const any = what.places().find(command::no_slot)) version = any->about().version;
    me.description = "Redis " + (version.empty() ? "" : version + " ") + "at " + what.places().describe();
    co_return;
  }

  // Some patience with a server that is just starting, none with one that says no.
  void open(shard& there, bool is_first) {
    auto const& s = shared->settings;
    threads.run(prepare(*this, there), there.index());
    if (away_) return threads.run(begin(*parts.of(there)), there.index());
    for (unsigned attempt = 1;; ++attempt) {
      try {
        threads.run(parts.of(there)->open(), there.index());
        break;
      } catch (connect_error const& refused) {
        auto const what = "redis.url: cannot connect to Redis (" + without_password(s.url) + "): " + refused.what();
        if (refused.is_final()) throw startup_error{exit_code::config, what + ". Correct the settings of redis."};
        if (!s.required) {
          away_ = true;
          return threads.run(begin(*parts.of(there)), there.index());  // it goes on trying by itself
        }
        if (attempt >= s.connect_attempts)
          throw startup_error{exit_code::unavailable,
                              what + ". Tried " + std::to_string(attempt) +
                                  " times; start the server, correct redis.url, or set redis.required to false."};
        std::this_thread::sleep_for(shared->jittered(std::chrono::milliseconds{100} * (1u << std::min(attempt, 5u))));
      }
    }
    if (is_first) threads.run(describe(*this, *parts.of(there)), there.index());
  }

  static task<> end(impl& me, shard& there) {
    if (auto& mine = me.parts.of(there)) {
      co_await mine->close();
      mine.reset();
    }
  }
  // Nobody answered the first shard that asked: the others need not wait for the same.
  bool away_ = false;

  void shut_down() {
    for (unsigned i = 0; i < threads.size(); ++i) threads.run(end(*this, threads[i]), i);
  }
};

client::client(std::unique_ptr<core> shared, shards& on)
    : commands{&shared->names}, impl_{std::make_unique<impl>(std::move(shared), on)} {}
client::client(client&& other) noexcept : commands{other.names_}, impl_{std::move(other.impl_)} {}
client::~client() = default;

task<reply> client::send(command c) { return part::run(impl_->parts, std::move(c)); }

task<std::vector<reply>> client::transaction(std::vector<command> all) {
  return part::run_block(impl_->parts, std::move(all));
}

task<std::vector<reply>> client::send_split(std::string_view name, texts keys, bool reads,
                                            std::vector<std::vector<std::size_t>>* places) {
  return split(impl_->parts, *names_, name, std::move(keys), reads, places);
}

task<reply> reader::send(command c) { return part::run(*in_, std::move(c)); }
task<std::vector<reply>> reader::send_split(std::string_view name, texts keys, bool reads,
                                            std::vector<std::vector<std::size_t>>* places) {
  return split(*in_, *names_, name, std::move(keys), reads, places);
}
reader client::reading_from(read_from where) {
  return {impl_->parts, impl_->shared->names_by_reading[static_cast<std::size_t>(where)]};
}

task<session> client::own(std::string_view key) {
  auto const whole = names_->prefix + std::string{key};
  auto const slot = names_->cluster && !key.empty() ? static_cast<int>(slot_of(whole)) : command::no_slot;
  return [](impl& in, int of) -> task<session> {
    auto& mine = in.local();
    auto where = co_await mine.node_for(of);
    auto link = co_await where->acquire();
    co_return session{mine, std::move(where), std::move(link)};
  }(*impl_, slot);
}

task<reply> client::run_waiting(command c, milliseconds wait) {
  auto& mine = impl_->local();
  mine.check_slots(c);
  // The session throws when the slot has moved: nothing was done then, and the next one knows where to.
  for (unsigned attempt = 0;; ++attempt) {
    auto where = co_await mine.node_for(c.slot());
    auto link = co_await where->acquire();
    session inside{mine, std::move(where), std::move(link)};
    try {
      co_return co_await inside.run_long(c, wait);
    } catch (refused_error const& moved) {
      if ((moved.code() != "MOVED" && moved.code() != "UNBLOCKED") || attempt >= 4) throw;
    }
  }
}

task<std::optional<std::pair<std::string, std::string>>> client::pop_waiting(std::string_view name, texts keys,
                                                                             milliseconds wait) {
  auto c = make(name);
  for (auto const& each : keys) c.key(each);
  c.arg(static_cast<double>(std::max<std::int64_t>(wait.count(), 1)) / 1000);
  auto answer = co_await run_waiting(std::move(c), wait);
  if (answer.is_nil()) co_return std::nullopt;
  auto both = std::move(answer).as_texts();
  if (both.size() != 2) throw error{"UNEXPECTED", "Redis: a pop answers with a key and a value"};
  co_return std::pair{both[0].substr(std::min(names_->prefix.size(), both[0].size())), std::move(both[1])};
}
task<std::optional<std::pair<std::string, std::string>>> client::blpop(texts keys, milliseconds wait) {
  return pop_waiting("BLPOP", std::move(keys), wait);
}
task<std::optional<std::pair<std::string, std::string>>> client::brpop(texts keys, milliseconds wait) {
  return pop_waiting("BRPOP", std::move(keys), wait);
}

task<std::vector<stream_entry>> client::xreadgroup(std::string key, std::string group, std::string consumer,
                                                   milliseconds wait, int count) {
  auto c = make("XREADGROUP").arg("GROUP").arg(group).arg(consumer).arg("COUNT").arg(count);
  c.arg("BLOCK").arg(std::max<std::int64_t>(wait.count(), 1)).arg("STREAMS").key(key).arg(">");
  auto streams = read_streams(co_await run_waiting(std::move(c), wait));
  if (streams.empty()) co_return std::vector<stream_entry>{};
  co_return std::move(streams.front().second);
}

task<std::vector<stream_entry>> client::xread(std::string key, std::string after, milliseconds wait, int count) {
  auto c = make("XREAD").arg("COUNT").arg(count).arg("BLOCK").arg(std::max<std::int64_t>(wait.count(), 1));
  c.arg("STREAMS").key(key).arg(after);
  auto streams = read_streams(co_await run_waiting(std::move(c), wait));
  if (streams.empty()) co_return std::vector<stream_entry>{};
  co_return std::move(streams.front().second);
}

scanner client::scan(scan_options options) { return {impl_->parts, *names_, std::move(options)}; }

scanner::scanner(per_shard<std::unique_ptr<part>>& in, naming const& names, scan_options options)
    : in_{&in}, names_{&names}, options_{std::move(options)}, match_{escaped(names.prefix) + options_.match} {}

task<std::optional<std::string>> scanner::next() {
  if (!std::exchange(begun_, true)) {
    (void)co_await in_->local()->node_for(command::no_slot);
    places_ = in_->local()->places().masters();
  }
  while (found_.empty()) {
    if (places_.empty()) co_return std::nullopt;
    command c{"SCAN", names_};
    c.arg(std::to_string(cursor_)).arg("MATCH").arg(match_).arg("COUNT").arg(options_.count).reads();
    if (!options_.type.empty()) c.arg("TYPE").arg(options_.type);
    auto page = (co_await in_->local()->run_at(places_.back(), std::move(c))).as_list();
    if (page.size() != 2) throw error{"UNEXPECTED", "Redis: a page of a scan has two parts"};
    cursor_ = static_cast<std::uint64_t>(page[0].as_integer());
    found_ = std::move(page[1]).as_texts();
    if (cursor_ == 0) places_.pop_back();
  }
  auto key = std::move(found_.back());
  found_.pop_back();
  co_return key.substr(std::min(names_->prefix.size(), key.size()));
}

task<subscription> client::subscribe(texts channels, texts patterns, subscription_options options) {
  co_return co_await open_subscription(impl_->local(), std::move(channels), std::move(patterns), options);
}

task<> client::check() {
  try {
    co_await ping();
  } catch (error const& refused) {
    throw unavailable_error{refused.what()};
  }
}

usage client::use() const noexcept {
  usage u;
  for (unsigned i = 0; i < impl_->parts.size(); ++i) {
    auto const& c = impl_->parts[i]->counts();
    u.commands += c.commands.read();
    u.errors += c.errors.read();
    u.repeated += c.repeated.read();
    u.redirected += c.redirected.read();
    u.refused += c.refused.read();
    u.waits += c.waits.read();
    u.wait_time_us += c.wait_time_us.read();
    u.connects += c.connects.read();
    u.lost += c.lost.read();
    u.connect_errors += c.connect_errors.read();
    u.refreshes += c.refreshes.read();
    u.gaps += c.gaps.read();
    u.replica_reads += c.replica_reads.read();
    u.replica_fallbacks += c.replica_fallbacks.read();
    u.replicas = i == 0 ? c.replicas.read() : std::min(u.replicas, c.replicas.read());
    u.replica_lag_us = std::max(u.replica_lag_us, c.replica_lag_us.read());
    u.open += c.open.read();
    u.own += c.own.read();
    u.depth += c.depth.read();
  }
  return u;
}

std::string const& client::description() const noexcept { return impl_->description; }

namespace {

target checked_target(settings const& s) {
  auto target = parse_url(s.url);
  if (s.read_from != read_from::primary && target.mode == mode::single)
    throw startup_error{exit_code::config,
                        "redis.read_from: a server that stands alone names no replicas; use redis+sentinel:// or "
                        "redis+cluster:// in redis.url, or leave it at primary"};
  if (s.replica_lag < 2 * s.replica_check)
    throw startup_error{exit_code::config,
                        "redis.replica_lag: must be at least twice redis.replica_check, because how far a replica is "
                        "is known no better than that"};
  return target;
}

}  // namespace

void check(settings const& s) {
  if (checked_target(s).tls) make_tls_context(s);
}

client connect(settings const& s, shards& on) {
  auto target = checked_target(s);
  naming names{s.prefix, target.mode == mode::cluster, s.read_from};
  std::array<naming, 3> by_reading{names, names, names};
  for (std::size_t i = 0; i < by_reading.size(); ++i) by_reading[i].reads = static_cast<read_from>(i);
  auto secure = target.tls ? make_tls_context(s) : nullptr;
  auto& random = s.random != nullptr ? *s.random : system_random();
  return client{std::unique_ptr<core>{
                    new core{s, std::move(target), std::move(names), std::move(by_reading), std::move(secure), random}},
                on};
}

}  // namespace slipway::redis
