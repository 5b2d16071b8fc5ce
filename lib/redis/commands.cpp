#include <slipway/redis/commands.hpp>

namespace slipway::redis {
namespace {

task<std::string> text(task<reply> r) { co_return (co_await std::move(r)).as_text(); }
task<std::optional<std::string>> optional_text(task<reply> r) { co_return (co_await std::move(r)).as_optional_text(); }
task<std::int64_t> integer(task<reply> r) { co_return (co_await std::move(r)).as_integer(); }
task<double> number(task<reply> r) { co_return (co_await std::move(r)).as_double(); }
task<bool> flag(task<reply> r) { co_return (co_await std::move(r)).as_flag(); }
task<> nothing(task<reply> r) { (void)co_await std::move(r); }
task<texts> list(task<reply> r) { co_return (co_await std::move(r)).as_texts(); }
task<pairs> pair_list(task<reply> r) { co_return (co_await std::move(r)).as_pairs(); }
task<std::vector<std::optional<std::string>>> optional_list(task<reply> r) {
  co_return (co_await std::move(r)).as_optional_texts();
}
task<std::optional<double>> optional_number(task<reply> r) {
  auto got = co_await std::move(r);
  if (got.is_nil()) co_return std::nullopt;
  co_return got.as_double();
}
task<std::optional<std::int64_t>> optional_integer(task<reply> r) {
  auto got = co_await std::move(r);
  if (got.is_nil()) co_return std::nullopt;
  co_return got.as_integer();
}
task<std::vector<scored>> scored_list(task<reply> r) {
  auto items = (co_await std::move(r)).as_list();
  if (items.size() % 2 != 0) throw error{"UNEXPECTED", "Redis: a member without a score"};
  std::vector<scored> out;
  for (std::size_t i = 0; i < items.size(); i += 2)
    out.push_back({std::move(items[i]).as_text(), items[i + 1].as_double()});
  co_return out;
}
task<scan_page> page(task<reply> r) {
  auto parts = (co_await std::move(r)).as_list();
  if (parts.size() != 2) throw error{"UNEXPECTED", "Redis: a page of a scan has two parts"};
  co_return scan_page{static_cast<std::uint64_t>(parts[0].as_integer()), std::move(parts[1]).as_texts()};
}
task<std::vector<stream_entry>> entries(task<reply> r) { co_return read_entries(co_await std::move(r)); }
task<std::vector<stream_entry>> entries_of_one(task<reply> r) {
  auto streams = read_streams(co_await std::move(r));
  if (streams.empty()) co_return std::vector<stream_entry>{};
  co_return std::move(streams.front().second);
}

command& add_all(command& c, texts const& words) {
  for (auto const& each : words) c.arg(each);
  return c;
}
command& add_condition(command& c, only_if when) {
  if (when == only_if::absent) c.arg("NX");
  if (when == only_if::present) c.arg("XX");
  return c;
}

}  // namespace

task<reply> commands::run(std::initializer_list<std::string_view> words) {
  auto const* word = words.begin();
  command c{words.size() != 0 ? *word++ : std::string_view{}, names_};
  if (words.size() > 1 && names_ != nullptr && names_->cluster) c.route_by(*word);
  while (word != words.end()) c.arg(*word++);
  return send(std::move(c));
}

task<> commands::ping() { return nothing(send(make("PING").repeats())); }

task<std::optional<std::string>> commands::get(std::string_view key) {
  return optional_text(send(make("GET").key(key).reads()));
}

task<bool> commands::set(std::string_view key, std::string_view value, set_options options) {
  auto c = make("SET").key(key).arg(value);
  if (options.expires.count() > 0) c.arg("PX").arg(options.expires.count());
  if (options.keep_ttl) c.arg("KEEPTTL");
  return flag(send(std::move(add_condition(c, options.when))));
}

task<std::optional<std::string>> commands::get_and_set(std::string_view key, std::string_view value) {
  return optional_text(send(make("SET").key(key).arg(value).arg("GET")));
}
task<std::optional<std::string>> commands::get_and_remove(std::string_view key) {
  return optional_text(send(make("GETDEL").key(key)));
}
task<std::int64_t> commands::incr(std::string_view key, std::int64_t by) {
  return integer(send(make("INCRBY").key(key).arg(by)));
}
task<double> commands::incr_by(std::string_view key, double by) {
  return number(send(make("INCRBYFLOAT").key(key).arg(by)));
}
task<std::int64_t> commands::append(std::string_view key, std::string_view tail) {
  return integer(send(make("APPEND").key(key).arg(tail)));
}
task<std::int64_t> commands::length(std::string_view key) { return integer(send(make("STRLEN").key(key).reads())); }

task<std::vector<std::optional<std::string>>> commands::mget(texts keys) {
  std::vector<std::optional<std::string>> out(keys.size());
  if (keys.empty()) co_return out;
  if (names_ == nullptr || !names_->cluster) {
    auto c = make("MGET").reads();
    for (auto const& each : keys) c.key(each);
    co_return co_await optional_list(send(std::move(c)));
  }
  std::vector<std::vector<std::size_t>> places;
  auto answers = co_await send_split("MGET", std::move(keys), true, &places);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto values = std::move(answers[i]).as_optional_texts();
    if (values.size() != places[i].size())
      throw error{"UNEXPECTED", "Redis: MGET answers with another number of values"};
    for (std::size_t j = 0; j < values.size(); ++j) out[places[i][j]] = std::move(values[j]);
  }
  co_return out;
}

task<> commands::mset(pairs values) {
  if (values.empty()) co_return;
  auto c = make("MSET");
  for (auto const& [key, value] : values) c.key(key).arg(value);
  co_await nothing(send(std::move(c)));
}

task<std::int64_t> commands::count_split(std::string_view name, texts keys, bool reads) {
  if (keys.empty()) co_return 0;
  std::int64_t sum = 0;
  if (names_ == nullptr || !names_->cluster) {
    auto c = make(name);
    for (auto const& each : keys) c.key(each);
    if (reads) c.reads();
    co_return co_await integer(send(std::move(c)));
  }
  std::vector<std::vector<std::size_t>> places;
  for (auto const& each : co_await send_split(name, std::move(keys), reads, &places)) sum += each.as_integer();
  co_return sum;
}
task<std::int64_t> commands::del(texts keys) { return count_split("DEL", std::move(keys), false); }
task<std::int64_t> commands::unlink(texts keys) { return count_split("UNLINK", std::move(keys), false); }
task<std::int64_t> commands::exists(texts keys) { return count_split("EXISTS", std::move(keys), true); }

task<bool> commands::expire(std::string_view key, milliseconds after) {
  return flag(send(make("PEXPIRE").key(key).arg(after.count())));
}
task<bool> commands::persist(std::string_view key) { return flag(send(make("PERSIST").key(key))); }
task<std::optional<milliseconds>> commands::ttl(std::string_view key) {
  return [](task<std::int64_t> asked) -> task<std::optional<milliseconds>> {
    auto const left = co_await std::move(asked);
    if (left < 0) co_return std::nullopt;
    co_return milliseconds{left};
  }(integer(send(make("PTTL").key(key).reads())));
}
task<> commands::rename(std::string_view from, std::string_view to) {
  return nothing(send(make("RENAME").key(from).key(to)));
}
task<std::string> commands::type(std::string_view key) { return text(send(make("TYPE").key(key).reads())); }

task<std::optional<std::string>> commands::hget(std::string_view key, std::string_view field) {
  return optional_text(send(make("HGET").key(key).arg(field).reads()));
}
task<std::int64_t> commands::hset(std::string_view key, pairs const& fields) {
  auto c = make("HSET").key(key);
  for (auto const& [name, value] : fields) c.arg(name).arg(value);
  return integer(send(std::move(c)));
}
task<std::int64_t> commands::hdel(std::string_view key, texts const& fields) {
  auto c = make("HDEL").key(key);
  return integer(send(std::move(add_all(c, fields))));
}
task<pairs> commands::hgetall(std::string_view key) { return pair_list(send(make("HGETALL").key(key).reads())); }
task<std::vector<std::optional<std::string>>> commands::hmget(std::string_view key, texts const& fields) {
  auto c = make("HMGET").key(key).reads();
  return optional_list(send(std::move(add_all(c, fields))));
}
task<std::int64_t> commands::hincr(std::string_view key, std::string_view field, std::int64_t by) {
  return integer(send(make("HINCRBY").key(key).arg(field).arg(by)));
}
task<std::int64_t> commands::hlen(std::string_view key) { return integer(send(make("HLEN").key(key).reads())); }
task<bool> commands::hexists(std::string_view key, std::string_view field) {
  return flag(send(make("HEXISTS").key(key).arg(field).reads()));
}

task<std::int64_t> commands::sadd(std::string_view key, texts const& members) {
  auto c = make("SADD").key(key);
  return integer(send(std::move(add_all(c, members))));
}
task<std::int64_t> commands::srem(std::string_view key, texts const& members) {
  auto c = make("SREM").key(key);
  return integer(send(std::move(add_all(c, members))));
}
task<texts> commands::smembers(std::string_view key) { return list(send(make("SMEMBERS").key(key).reads())); }
task<bool> commands::sismember(std::string_view key, std::string_view member) {
  return flag(send(make("SISMEMBER").key(key).arg(member).reads()));
}
task<std::int64_t> commands::scard(std::string_view key) { return integer(send(make("SCARD").key(key).reads())); }

task<std::int64_t> commands::zadd(std::string_view key, std::vector<scored> const& members, zadd_options options) {
  auto c = make("ZADD").key(key);
  add_condition(c, options.when);
  if (options.only_greater) c.arg("GT");
  if (options.only_less) c.arg("LT");
  for (auto const& each : members) c.arg(each.score).arg(each.member);
  return integer(send(std::move(c)));
}
task<std::int64_t> commands::zrem(std::string_view key, texts const& members) {
  auto c = make("ZREM").key(key);
  return integer(send(std::move(add_all(c, members))));
}
task<double> commands::zincr(std::string_view key, std::string_view member, double by) {
  return number(send(make("ZINCRBY").key(key).arg(by).arg(member)));
}
task<std::optional<double>> commands::zscore(std::string_view key, std::string_view member) {
  return optional_number(send(make("ZSCORE").key(key).arg(member).reads()));
}
task<std::optional<std::int64_t>> commands::zrank(std::string_view key, std::string_view member) {
  return optional_integer(send(make("ZRANK").key(key).arg(member).reads()));
}
task<std::int64_t> commands::zcard(std::string_view key) { return integer(send(make("ZCARD").key(key).reads())); }
task<std::vector<scored>> commands::zrange(std::string_view key, std::int64_t first, std::int64_t last, bool reverse) {
  return scored_list(
      send(make(reverse ? "ZREVRANGE" : "ZRANGE").key(key).arg(first).arg(last).arg("WITHSCORES").reads()));
}
task<std::vector<scored>> commands::zrange_by_score(std::string_view key, double least, double most,
                                                    std::int64_t limit) {
  auto c = make("ZRANGEBYSCORE").key(key).arg(least).arg(most).arg("WITHSCORES");
  return scored_list(send(std::move(c.arg("LIMIT").arg(0).arg(limit).reads())));
}
task<std::int64_t> commands::zrem_by_score(std::string_view key, double least, double most) {
  return integer(send(make("ZREMRANGEBYSCORE").key(key).arg(least).arg(most)));
}

task<std::int64_t> commands::lpush(std::string_view key, texts const& values) {
  auto c = make("LPUSH").key(key);
  return integer(send(std::move(add_all(c, values))));
}
task<std::int64_t> commands::rpush(std::string_view key, texts const& values) {
  auto c = make("RPUSH").key(key);
  return integer(send(std::move(add_all(c, values))));
}
task<std::optional<std::string>> commands::lpop(std::string_view key) {
  return optional_text(send(make("LPOP").key(key)));
}
task<std::optional<std::string>> commands::rpop(std::string_view key) {
  return optional_text(send(make("RPOP").key(key)));
}
task<texts> commands::lrange(std::string_view key, std::int64_t first, std::int64_t last) {
  return list(send(make("LRANGE").key(key).arg(first).arg(last).reads()));
}
task<std::int64_t> commands::llen(std::string_view key) { return integer(send(make("LLEN").key(key).reads())); }
task<> commands::ltrim(std::string_view key, std::int64_t first, std::int64_t last) {
  return nothing(send(make("LTRIM").key(key).arg(first).arg(last)));
}

task<scan_page> commands::scan_key(std::string_view name, std::string_view key, std::uint64_t cursor,
                                   std::string_view match, int count) {
  auto c = make(name).key(key).arg(std::to_string(cursor)).arg("MATCH").arg(match);
  return page(send(std::move(c.arg("COUNT").arg(count).reads())));
}
task<scan_page> commands::hscan(std::string_view key, std::uint64_t cursor, std::string_view match, int count) {
  return scan_key("HSCAN", key, cursor, match, count);
}
task<scan_page> commands::sscan(std::string_view key, std::uint64_t cursor, std::string_view match, int count) {
  return scan_key("SSCAN", key, cursor, match, count);
}
task<scan_page> commands::zscan(std::string_view key, std::uint64_t cursor, std::string_view match, int count) {
  return scan_key("ZSCAN", key, cursor, match, count);
}

task<std::int64_t> commands::publish(std::string_view channel, std::string_view message) {
  // Not a key: in a cluster any server passes it on.
  auto whole = names_ != nullptr ? names_->prefix : std::string{};
  whole += channel;
  return integer(send(make("PUBLISH").arg(whole).arg(message)));
}

task<reply> commands::eval(script const& what, texts keys, texts arguments) {
  auto const build = [&](std::string_view name, std::string const& body) {
    auto c = make(name).arg(body).arg(keys.size());
    for (auto const& each : keys) c.key(each);
    add_all(c, arguments);
    if (what.is_repeatable()) c.repeats();
    return c;
  };
  std::optional<reply> got;
  try {
    got = co_await send(build("EVALSHA", what.hash()));
  } catch (error const& unknown) {
    if (unknown.code() != "NOSCRIPT") throw;
  }
  if (!got) got = co_await send(build("EVAL", what.text()));
  co_return std::move(*got);
}

task<std::optional<std::string>> commands::xadd(std::string_view key, pairs const& fields,
                                                xadd_options const& options) {
  auto c = make("XADD").key(key);
  if (!options.make_stream) c.arg("NOMKSTREAM");
  if (options.max_length != 0) c.arg("MAXLEN").arg(options.exact ? "=" : "~").arg(options.max_length);
  c.arg(options.id);
  for (auto const& [name, value] : fields) c.arg(name).arg(value);
  return optional_text(send(std::move(c)));
}
task<std::int64_t> commands::xlen(std::string_view key) { return integer(send(make("XLEN").key(key).reads())); }
task<std::vector<stream_entry>> commands::xrange(std::string_view key, std::string_view first, std::string_view last,
                                                 int count) {
  return entries(send(make("XRANGE").key(key).arg(first).arg(last).arg("COUNT").arg(count).reads()));
}
task<std::int64_t> commands::xdel(std::string_view key, texts const& ids) {
  auto c = make("XDEL").key(key);
  return integer(send(std::move(add_all(c, ids))));
}
task<std::int64_t> commands::xtrim(std::string_view key, std::uint64_t max_length, bool exact) {
  return integer(send(make("XTRIM").key(key).arg("MAXLEN").arg(exact ? "=" : "~").arg(max_length)));
}
task<bool> commands::xgroup_create(std::string_view key, std::string_view group, std::string_view from) {
  return [](task<reply> asked) -> task<bool> {
    try {
      co_await std::move(asked);
    } catch (error const& there) {
      if (there.code() != "BUSYGROUP") throw;
      co_return false;
    }
    co_return true;
  }(send(make("XGROUP").arg("CREATE").key(key).arg(group).arg(from).arg("MKSTREAM")));
}
task<bool> commands::xgroup_destroy(std::string_view key, std::string_view group) {
  return flag(send(make("XGROUP").arg("DESTROY").key(key).arg(group)));
}
task<std::vector<stream_entry>> commands::xreadgroup_now(std::string_view key, std::string_view group,
                                                         std::string_view consumer, int count, std::string_view from) {
  auto c = make("XREADGROUP").arg("GROUP").arg(group).arg(consumer).arg("COUNT").arg(count).arg("STREAMS");
  return entries_of_one(send(std::move(c.key(key).arg(from))));
}
task<std::int64_t> commands::xack(std::string_view key, std::string_view group, texts const& ids) {
  auto c = make("XACK").key(key).arg(group);
  return integer(send(std::move(add_all(c, ids))));
}
task<claimed_entries> commands::xautoclaim(std::string_view key, std::string_view group, std::string_view consumer,
                                           milliseconds idle, std::string_view start, int count) {
  auto c = make("XAUTOCLAIM").key(key).arg(group).arg(consumer).arg(idle.count()).arg(start).arg("COUNT").arg(count);
  return [](task<reply> asked) -> task<claimed_entries> {
    co_return read_claimed(co_await std::move(asked));
  }(send(std::move(c)));
}
task<pending_summary> commands::xpending(std::string_view key, std::string_view group) {
  return [](task<reply> asked) -> task<pending_summary> {
    co_return read_pending(co_await std::move(asked));
  }(send(make("XPENDING").key(key).arg(group).reads()));
}

}  // namespace slipway::redis
