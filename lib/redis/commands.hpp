// The commands by type, on whatever sends them: a client (the shard's shared connection), or a session (a connection of
// one's own). Keys get the client's prefix; texts are bytes, of any kind.
//
// Commands that read are sent again, once, when the connection is lost; commands that change something are not: then a
// lost_error says whether they may have been done. Errors: errors.hpp.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/redis/command.hpp>
#include <slipway/redis/errors.hpp>
#include <slipway/redis/reply.hpp>
#include <slipway/redis/script.hpp>
#include <slipway/redis/streams.hpp>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::redis {

using std::chrono::milliseconds;
using texts = std::vector<std::string>;
using pairs = std::vector<std::pair<std::string, std::string>>;

enum class only_if : std::uint8_t { always, absent, present };  // NX, XX

struct set_options {
  milliseconds expires{0};  // zero: never
  only_if when = only_if::always;
  bool keep_ttl = false;  // what was said before about expiry stays
};

struct scored {
  std::string member;
  double score = 0;
  bool operator==(scored const&) const = default;
};
struct zadd_options {
  only_if when = only_if::always;
  bool only_greater = false, only_less = false;  // GT, LT; not both
};

// Part of a scan's way: pass `next` on until it is zero.
struct scan_page {
  std::uint64_t next = 0;
  texts items;
};

class commands {
 public:
  // For what has no name here: `cache.run(cache.make("OBJECT").arg("ENCODING").key("k").reads())`.
  command make(std::string_view name) const { return command{name, names_}; }
  // An error in the answer is thrown.
  task<reply> run(command c) { return send(std::move(c)); }
  // The words as they are, without the prefix: `cache.run({"CONFIG", "GET", "maxmemory"})`. In a cluster the second
  // word counts as the key.
  task<reply> run(std::initializer_list<std::string_view> words);
  task<> ping();

  // Strings.
  task<std::optional<std::string>> get(std::string_view key);
  // False: the condition did not hold.
  task<bool> set(std::string_view key, std::string_view value, set_options options = {});
  task<std::optional<std::string>> get_and_set(std::string_view key, std::string_view value);
  task<std::optional<std::string>> get_and_remove(std::string_view key);
  task<std::int64_t> incr(std::string_view key, std::int64_t by = 1);
  task<std::int64_t> decr(std::string_view key, std::int64_t by = 1) { return incr(key, -by); }
  task<double> incr_by(std::string_view key, double by);
  task<std::int64_t> append(std::string_view key, std::string_view tail);  // the length after it
  task<std::int64_t> length(std::string_view key);
  // In a cluster: one command for each slot; each is done by itself.
  task<std::vector<std::optional<std::string>>> mget(texts keys);
  // All at once. In a cluster the keys must lie in one slot (CROSSSLOT).
  task<> mset(pairs values);

  // Keys. `del`, `unlink` and `exists` over several slots of a cluster are done slot by slot.
  task<std::int64_t> del(texts keys);
  task<std::int64_t> unlink(texts keys);  // like del; the server frees the memory in the background
  task<std::int64_t> exists(texts keys);  // how many are there; one named twice counts twice
  task<bool> expire(std::string_view key, milliseconds after);  // false: there is no such key
  task<bool> persist(std::string_view key);
  // What is left; nothing: no such key, or it does not expire (`exists` tells).
  task<std::optional<milliseconds>> ttl(std::string_view key);
  task<> rename(std::string_view from, std::string_view to);
  task<std::string> type(std::string_view key);  // "none" when there is none

  // Hashes.
  task<std::optional<std::string>> hget(std::string_view key, std::string_view field);
  task<std::int64_t> hset(std::string_view key, pairs const& fields);  // how many are new
  task<std::int64_t> hdel(std::string_view key, texts const& fields);
  task<pairs> hgetall(std::string_view key);
  task<std::vector<std::optional<std::string>>> hmget(std::string_view key, texts const& fields);
  task<std::int64_t> hincr(std::string_view key, std::string_view field, std::int64_t by = 1);
  task<std::int64_t> hlen(std::string_view key);
  task<bool> hexists(std::string_view key, std::string_view field);

  // Sets.
  task<std::int64_t> sadd(std::string_view key, texts const& members);  // how many are new
  task<std::int64_t> srem(std::string_view key, texts const& members);
  task<texts> smembers(std::string_view key);
  task<bool> sismember(std::string_view key, std::string_view member);
  task<std::int64_t> scard(std::string_view key);

  // Sorted sets.
  task<std::int64_t> zadd(std::string_view key, std::vector<scored> const& members, zadd_options options = {});
  task<std::int64_t> zrem(std::string_view key, texts const& members);
  task<double> zincr(std::string_view key, std::string_view member, double by);
  task<std::optional<double>> zscore(std::string_view key, std::string_view member);
  task<std::optional<std::int64_t>> zrank(std::string_view key, std::string_view member);
  task<std::int64_t> zcard(std::string_view key);
  // By rank, both ends included; negative ranks count from the end.
  task<std::vector<scored>> zrange(std::string_view key, std::int64_t first, std::int64_t last, bool reverse = false);
  // By score, both ends included, at most `limit`.
  task<std::vector<scored>> zrange_by_score(std::string_view key, double least, double most, std::int64_t limit = 1000);
  task<std::int64_t> zrem_by_score(std::string_view key, double least, double most);

  // Lists.
  task<std::int64_t> lpush(std::string_view key, texts const& values);  // the length after it
  task<std::int64_t> rpush(std::string_view key, texts const& values);
  task<std::optional<std::string>> lpop(std::string_view key);
  task<std::optional<std::string>> rpop(std::string_view key);
  task<texts> lrange(std::string_view key, std::int64_t first, std::int64_t last);
  task<std::int64_t> llen(std::string_view key);
  task<> ltrim(std::string_view key, std::int64_t first, std::int64_t last);

  // Parts of one key. `match` is a glob.
  task<scan_page> hscan(std::string_view key, std::uint64_t cursor, std::string_view match = "*", int count = 100);
  task<scan_page> sscan(std::string_view key, std::uint64_t cursor, std::string_view match = "*", int count = 100);
  task<scan_page> zscan(std::string_view key, std::uint64_t cursor, std::string_view match = "*", int count = 100);

  // How many subscribers of this server got it. The channel gets the prefix as well.
  task<std::int64_t> publish(std::string_view channel, std::string_view message);

  // Scripts: by their hash, and in full where the server does not know it.
  task<reply> eval(script const& what, texts keys, texts arguments = {});

  // Streams.
  task<std::optional<std::string>> xadd(std::string_view key, pairs const& fields, xadd_options const& options = {});
  task<std::int64_t> xlen(std::string_view key);
  task<std::vector<stream_entry>> xrange(std::string_view key, std::string_view first = "-",
                                         std::string_view last = "+", int count = 100);
  task<std::int64_t> xdel(std::string_view key, texts const& ids);
  task<std::int64_t> xtrim(std::string_view key, std::uint64_t max_length, bool exact = false);
  // False: the group was there already. The stream is made when it is missing. `from`: "$" new entries, "0" all.
  task<bool> xgroup_create(std::string_view key, std::string_view group, std::string_view from = "$");
  task<bool> xgroup_destroy(std::string_view key, std::string_view group);
  // New entries for this consumer, without waiting; client::xreadgroup waits.
  task<std::vector<stream_entry>> xreadgroup_now(std::string_view key, std::string_view group,
                                                 std::string_view consumer, int count = 100,
                                                 std::string_view from = ">");
  task<std::int64_t> xack(std::string_view key, std::string_view group, texts const& ids);
  // Takes over what others have left lying for `idle`.
  task<claimed_entries> xautoclaim(std::string_view key, std::string_view group, std::string_view consumer,
                                   milliseconds idle, std::string_view start = "0-0", int count = 100);
  task<pending_summary> xpending(std::string_view key, std::string_view group);

 protected:
  explicit commands(naming const* names) noexcept : names_{names} {}
  commands(commands const&) = default;
  commands& operator=(commands const&) = default;
  ~commands() = default;

  virtual task<reply> send(command c) = 0;
  // One command for each slot that the keys lie in, all at once.
  virtual task<std::vector<reply>> send_split(std::string_view name, texts keys, bool reads,
                                              std::vector<std::vector<std::size_t>>* places) = 0;
  naming const* names_;

 private:
  task<std::int64_t> count_split(std::string_view name, texts keys, bool reads);
  task<scan_page> scan_key(std::string_view name, std::string_view key, std::uint64_t cursor, std::string_view match,
                           int count);
};

}  // namespace slipway::redis
