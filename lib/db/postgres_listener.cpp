#include <slipway/db/postgres_listener.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/jitter.hpp>

#include <libpq-fe.h>

#include <sys/ioctl.h>

#include <algorithm>
#include <utility>

namespace slipway::db::detail {

using steady = std::chrono::steady_clock;

namespace {

// On a thread of the pool.
pg_handle open_and_listen(settings const& s, std::vector<std::string> const& channels) {
  auto connection = open_connection(s);
  for (auto const& channel : channels) {
    auto* quoted = PQescapeIdentifier(connection.get(), channel.data(), channel.size());
    if (quoted == nullptr) throw connect_error{"a channel's name is no UTF-8", true};
    auto const text = std::string{"listen "} + quoted;
    PQfreemem(quoted);
    run_texts(connection.get(), text, s.connect_timeout);
  }
  return connection;
}

}  // namespace

pg_listening::pg_listening(std::function<settings()> where, shard& home, blocking_pool& helpers,
                           std::vector<std::string> channels, std::size_t queue)
    : pg_socket{home.sockets()},
      where_{std::move(where)},
      settings_{where_()},
      home_{home},
      helpers_{helpers},
      channels_{std::move(channels)},
      limit_{std::max<std::size_t>(1, queue)} {}

bool pg_listening::write_out() {
  auto const left = PQflush(pg_);
  return left == 0 || (left == 1 && wait_writable());
}

// Whether something is there that will not be told again: libpq does not say whether it has emptied the socket.
bool pg_listening::has_more() const noexcept {
  if (has_ended()) return true;
  int waiting = 0;
  return ::ioctl(PQsocket(pg_), FIONREAD, &waiting) == 0 && waiting > 0;
}

task<pg_handle> pg_listening::connect() {
  for (;;) {
    moved_ = false;
    auto const now = where_();
    auto opened = co_await helpers_.run([this, &now] { return open_and_listen(now, channels_); });
    if (!moved_ || closed_) co_return opened;
  }
}

task<> pg_listening::open(std::shared_ptr<pg_listening> me) {
  if (me->channels_.empty() || std::ranges::any_of(me->channels_, [](auto const& c) { return c.empty(); }))
    throw error{"PostgreSQL: LISTEN wants channels with names"};
  pg_handle first;
  me->connecting_ = true;
  try {
    first = co_await me->connect();
    if (!me->closed_) me->adopt(std::move(first));
  } catch (std::exception const& refused) {
    me->close();  // nobody will ever hold it
    throw unavailable_error{std::string{"PostgreSQL: cannot listen: "} + refused.what()};
  }
  me->connecting_ = false;
  if (me->closed_) throw unavailable_error{"PostgreSQL: the database is being closed"};
}

task<> pg_listening::connect_again(std::shared_ptr<pg_listening> me) {
  try {
    auto opened = co_await me->connect();
    if (!me->closed_) me->adopt(std::move(opened));
  } catch (std::exception const&) {  // told by the pool of connections, which fails alike
    me->lost();
  }
  me->connecting_ = false;
  if (me->closed_) co_return;
  if (me->pg_ == nullptr) {
    me->next_attempt_ = steady::now() + some_of(std::chrono::milliseconds{50 << std::min(me->failures_++, 5u)});
    co_return;
  }
  me->failures_ = 0;
  me->push_gap();
  me->wake();
}

void pg_listening::adopt(pg_handle connection) {
  take(std::move(connection));
  watch();
  last_sign_ = home_.coarse_now();
  asked_ = false;
  read_soon();  // what came with the answers so far is nowhere but in libpq
}

void pg_listening::ready(std::uint32_t events) noexcept {
  if (pg_ == nullptr) return;
  auto const keep = shared_from_this();
  if (note(events) && !write_out()) return lost();
  read_all([this] { return read_once(); });
  wake();
}

bool pg_listening::read_once() {
  auto const is_well = PQconsumeInput(pg_) != 0 && take_answers();
  while (auto* heard = PQnotifies(pg_)) {
    notification message{.channel = heard->relname, .payload = heard->extra};
    PQfreemem(heard);
    push(std::move(message));
  }
  if (!is_well) {
    lost();
    return false;
  }
  last_sign_ = home_.coarse_now();
  return has_more();
}

// To the looks at the connection. False: the connection is lost.
bool pg_listening::take_answers() {
  while (PQisBusy(pg_) == 0) {
    auto* answer = PQgetResult(pg_);
    if (answer == nullptr) {
      asked_ = false;
      break;
    }
    PQclear(answer);
  }
  return PQstatus(pg_) != CONNECTION_BAD;
}

void pg_listening::push(notification heard) {
  if (heard_.size() >= limit_) return push_gap();
  heard_.push_back(std::move(heard));
}

void pg_listening::push_gap() {
  if (heard_.empty() || heard_.back().what != notification::kind::gap)
    heard_.push_back({.what = notification::kind::gap});
}

void pg_listening::wake() {
  if (heard_.empty() && !closed_) return;
  if (auto* waiting = std::exchange(waiting_, nullptr)) waiting->fire();
}

task<notification> pg_listening::next(std::shared_ptr<pg_listening> me) {
  while (me->heard_.empty()) {
    if (me->closed_) throw unavailable_error{"PostgreSQL: the database is being closed"};
    if (me->waiting_ != nullptr) throw error{"PostgreSQL: two consumers of one listener"};
    one_shot something;
    struct in_line {
      pg_listening& of;
      one_shot& mine;
      ~in_line() {
        if (of.waiting_ == &mine) of.waiting_ = nullptr;
      }
    } const place{*me, something};
    me->waiting_ = &something;
    co_await something;
  }
  auto first = std::move(me->heard_.front());
  me->heard_.pop_front();
  co_return first;
}

void pg_listening::tick(steady::time_point now) {
  if (closed_) return;
  if (pg_ == nullptr) {
    if (connecting_ || now < next_attempt_) return;
    connecting_ = true;
    return start_detached(connect_again(shared_from_this()));
  }
  if (asked_) {
    if (now - asked_at_ > settings_.connect_timeout) lost();
    return;
  }
  if (now - last_sign_ < settings_.idle_check) return;
  asked_ = true;
  asked_at_ = now;
  if (PQsendQuery(pg_, "select 1") == 0 || !write_out()) lost();
}

void pg_listening::lost() {
  release_socket();
  next_attempt_ = home_.coarse_now();
}

void pg_listening::move() {
  moved_ = true;  // what is being opened right now goes to the wrong server
  lost();
}

void pg_listening::close() {
  if (std::exchange(closed_, true)) return;
  lost();
  wake();
}

}  // namespace slipway::db::detail
