// The one way to Redis. `redis::connect` gives the object; every shard uses the same one and finds its own connection
// behind it, which the requests of all its handlers share: what is asked in one turn of the loop goes out in one piece.
//
//   auto cache = redis::connect(settings, shards);
//   co_await cache.set("greeting", "hello", {.expires = 60s});
//   auto text = co_await cache.get("greeting");                     // optional<string>
//   auto kind = co_await cache.run({"OBJECT", "ENCODING", "greeting"});
//
// The same on a server that stands alone, behind Sentinels, and on a cluster. What is called runs on a shard; the client
// outlives everything that uses it.
#pragma once

#include <slipway/redis/commands.hpp>
#include <slipway/redis/session.hpp>
#include <slipway/redis/settings.hpp>
#include <slipway/redis/subscription.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::redis {

struct core;

// Since the start, over all shards. Times in microseconds.
struct usage {
  std::uint64_t commands = 0, errors = 0, repeated = 0, redirected = 0;
  std::uint64_t refused = 0;                  // because a queue was full
  std::uint64_t waits = 0, wait_time_us = 0;  // for a connection of one's own
  std::uint64_t connects = 0, lost = 0, connect_errors = 0, refreshes = 0, gaps = 0;
  std::uint64_t open = 0, own = 0, depth = 0;  // now: shared connections, sessions, commands on their way
  std::uint64_t replica_reads = 0,
                replica_fallbacks = 0;             // answered by a replica; by the primary though one was wanted
  std::uint64_t replicas = 0, replica_lag_us = 0;  // now: that every shard may read from; the most that one is behind
};

struct scan_options {
  std::string match = "*";  // a glob, behind the prefix
  std::string type;         // "string", "hash", ...; empty: all
  int count = 100;          // how much a server looks at for each answer
};

// All keys, one at a time: `while (auto key = co_await keys.next())`. One that is there all the time is told at least
// once; one may be told twice. On a cluster, server after server; keys that move meanwhile may be told twice or not.
class scanner {
 public:
  scanner(per_shard<std::unique_ptr<part>>& in, naming const& names, scan_options options);
  task<std::optional<std::string>> next();  // without the prefix

 private:
  per_shard<std::unique_ptr<part>>* in_;
  naming const* names_;
  scan_options options_;
  std::string match_;
  std::vector<std::shared_ptr<node>> places_;
  std::uint64_t cursor_ = 0;
  texts found_;  // the last first
  bool begun_ = false;
};

// The commands of a client, of which those that read are answered by whom `client::reading_from` says.
class reader final : public commands {
 public:
  reader(per_shard<std::unique_ptr<part>>& in, naming const& names) : commands{&names}, in_{&in} {}

 private:
  task<reply> send(command c) override;
  task<std::vector<reply>> send_split(std::string_view name, texts keys, bool reads,
                                      std::vector<std::vector<std::size_t>>* places) override;
  per_shard<std::unique_ptr<part>>* in_;
};

class client final : public commands {
 public:
  explicit client(std::unique_ptr<core> shared, shards& on);
  client(client&& other) noexcept;
  client& operator=(client&&) = delete;
  // Ends every connection; nobody may be waiting for an answer any more.
  ~client();

  // The same commands with another answer to who may be read from than redis.read_from gives. What is written here and
  // must be seen: `cache.reading_from(read_from::primary).get(key)`. What may be a moment old, where the setting is
  // primary: `cache.reading_from(read_from::prefer_replica).get(key)`; the first such call makes the replicas be looked
  // for, and is answered by the primary. Sessions, transactions and scans are always of the primary.
  reader reading_from(read_from where);

  // All of them in one piece (MULTI, EXEC), on the shared connection. An error of one shows in its reply; the others
  // are done all the same, as Redis has it.
  task<std::vector<reply>> transaction(std::vector<command> all);
  // A connection of one's own, to the server of this key.
  task<session> own(std::string_view key = {});
  // `work(session&)`, a function that returns task<std::vector<command>>, reads what it needs and says what to do; that
  // is done if none of the keys was changed meanwhile, else it is all tried again. Nothing: all attempts lost.
  template <class F>
  task<std::optional<std::vector<reply>>> optimistic(texts keys, F work, unsigned attempts = 16) {
    for (unsigned i = 0; i < attempts; ++i) {
      auto inside = co_await own(keys.empty() ? std::string_view{} : keys.front());
      co_await inside.watch(keys);
      auto todo = co_await work(inside);
      if (auto done = co_await inside.exec(std::move(todo))) co_return done;
    }
    co_return std::nullopt;
  }

  // The first value of the first list that has one, and that list's key; waits for one at most this long, which must be
  // above zero. A pop that was cancelled may have popped.
  task<std::optional<std::pair<std::string, std::string>>> blpop(texts keys, milliseconds wait);
  task<std::optional<std::pair<std::string, std::string>>> brpop(texts keys, milliseconds wait);
  // New entries for this consumer of the group; waits for one at most this long.
  task<std::vector<stream_entry>> xreadgroup(std::string key, std::string group, std::string consumer,
                                             milliseconds wait, int count = 100);
  // Entries behind this id ("$": from now on), for who needs no group.
  task<std::vector<stream_entry>> xread(std::string key, std::string after, milliseconds wait, int count = 100);

  scanner scan(scan_options options = {});
  // On a connection of its own, which is opened again when it is lost.
  task<subscription> subscribe(texts channels, texts patterns = {}, subscription_options options = {});

  usage use() const noexcept;
  // "Redis 7.0.15 at 127.0.0.1:6379": for logs; no password.
  std::string const& description() const noexcept;
  // A sign of life of the calling shard's server, for health checks. Throws unavailable_error.
  task<> check();

 private:
  class impl;
  task<reply> send(command c) override;
  task<std::vector<reply>> send_split(std::string_view name, texts keys, bool reads,
                                      std::vector<std::vector<std::size_t>>* places) override;
  task<std::optional<std::pair<std::string, std::string>>> pop_waiting(std::string_view name, texts keys,
                                                                       milliseconds wait);
  task<reply> run_waiting(command c, milliseconds wait);

  std::unique_ptr<impl> impl_;
};

// Opens a connection on every shard. Throws startup_error with what to do: config for a wrong URL, password, file,
// database, master name or certificate; unavailable when nobody answers after `connect_attempts` and the settings say
// that Redis is required (else it connects when it can). No message shows the password. Not from a shard's thread.
client connect(settings const& s, shards& on);

}  // namespace slipway::redis
