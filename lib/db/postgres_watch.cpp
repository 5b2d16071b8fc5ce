#include <slipway/db/jitter.hpp>
#include <slipway/db/postgres_watch.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/random.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_call.hpp>

#include <libpq-fe.h>

#include <algorithm>

namespace slipway::db::detail {
namespace {

using steady = std::chrono::steady_clock;

// A server that needs longer for this has no time for anything else either.
constexpr std::chrono::seconds patience{1};

// Subtracted from zero, a place in the log is a number of bytes. In recovery, functions of a primary are errors.
constexpr auto where_are_you = R"(
  select r, (case when r then coalesce(pg_last_wal_replay_lsn(), '0/0') else pg_current_wal_insert_lsn() end
             - '0/0'::pg_lsn)::bigint,
         case when r then coalesce((select received_tli from pg_stat_wal_receiver), 0)::bigint
              else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint end
  from (select pg_is_in_recovery() as r) as part)";
constexpr auto who_are_you = "select system_identifier from pg_control_system()";

}  // namespace

void pg_watch::start() { start_detached(run(shared_from_this())); }

task<> pg_watch::run(std::shared_ptr<pg_watch> me) {
  while (!me->closed_) {
    auto pause = std::chrono::microseconds{me->parts_.limits.replica_check};
    if (me->connection_ != nullptr || co_await me->connect()) {
      co_await me->ask();
    } else {
      // Doubling to a second.
      pause = some_of(std::chrono::milliseconds{50 << std::min(me->failures_++, 4u)});
    }
    if (me->closed_) break;
    if (!std::exchange(me->hurry_, false)) {
      me->napping_ = std::make_shared<context>();
      co_await nap(me->napping_, pause);
      me->napping_.reset();
      me->hurry_ = false;
    }
  }
}

task<> pg_watch::nap(std::shared_ptr<context> until, std::chrono::microseconds length) {
  co_await slipway::detail::with_context{until.get()};
  try {
    co_await sleep_for(length);
  } catch (cancelled_error const&) {  // there is something to do
  }
}

task<bool> pg_watch::connect() {
  std::shared_ptr<pg_connection> opened;
  std::string why;
  bool is_final = false;
  try {
    auto handle = co_await parts_.helpers.run([this] { return open_connection(parts_.limits); });
    version_ = PQserverVersion(handle.get());
    opened =
        std::make_shared<pg_connection>(*this, parts_.home, std::move(handle), false, parts_.limits.statement_timeout);
    opened->listen();
  } catch (connect_error const& refused) {
    why = refused.what();
    is_final = refused.is_final();
  } catch (std::exception const& failed) {
    why = failed.what();
    opened = nullptr;
  }
  if (closed_) co_return false;
  if (opened == nullptr) {
    parts_.tell_lost(why, is_final);
    co_return false;
  }
  connection_ = std::move(opened);
  failures_ = 0;
  co_await ask_who_it_is();
  co_return connection_ != nullptr;
}

task<> pg_watch::ask_who_it_is() {
  auto const connection = connection_;
  context limit;
  limit.deadline = steady::now() + patience;
  try {
    auto const answer = co_await text_call{*connection, who_are_you, &limit};
    system_ = static_cast<std::uint64_t>(answer[0].get<std::int64_t>(0));
  } catch (unavailable_error const&) {
    co_return;  // `on_lost` has told, or the next question meets the same
  } catch (cancelled_error const&) {
    give_up("it does not answer in time", false);
  } catch (error const&) {
    system_ = 0;  // not permitted
  }
}

task<> pg_watch::ask() {
  auto const connection = connection_;
  context limit;
  pg_sample sample{.version = version_, .system = system_, .asked = steady::now()};
  limit.deadline = sample.asked + patience;
  try {
    auto const answer = co_await text_call{*connection, where_are_you, &limit};
    if (closed_) co_return;
    sample.in_recovery = answer[0].get<bool>(0);
    sample.position = static_cast<std::uint64_t>(answer[0].get<std::int64_t>(1));
    sample.timeline = static_cast<std::uint32_t>(answer[0].get<std::int64_t>(2));
    parts_.tell(sample);
  } catch (unavailable_error const& refused) {
    // Of a connection that was lost, `on_lost` has told; a server may also live and have no room or time for an answer.
    if (connection_ != nullptr && ++failures_ > 3) give_up(refused.what(), false);
    co_return;
  } catch (cancelled_error const&) {
    give_up("it does not answer in time", false);
  } catch (error const& refused) {
    // Right in the middle of a promotion the question may fit neither part.
    if (++failures_ > 3) give_up(refused.what(), false);
    co_return;
  }
  failures_ = 0;
}

void pg_watch::give_up(std::string const& why, bool is_final) {
  if (closed_ || connection_ == nullptr) return;
  std::exchange(connection_, nullptr)->close(std::make_exception_ptr(unavailable_error{"PostgreSQL: " + why}));
  parts_.tell_lost(why, is_final);
}

void pg_watch::on_lost(pg_connection& connection, operation_list, std::string const& why) {
  if (connection_.get() != &connection) return;
  connection_ = nullptr;
  if (closed_) return;
  parts_.tell_lost(why, false);
  ask_now();
}

void pg_watch::ask_now() {
  hurry_ = true;
  wake(cancel_reason::deadline);
}

// Whoever naps goes on before this returns.
void pg_watch::wake(cancel_reason why) {
  if (auto const until = std::exchange(napping_, nullptr)) until->cancel(why);
}

void pg_watch::tick(steady::time_point now) {
  if (auto const connection = connection_) connection->tick(now);
}

void pg_watch::close() {
  closed_ = true;
  if (auto const connection = std::exchange(connection_, nullptr))
    connection->close(std::make_exception_ptr(unavailable_error{"PostgreSQL: the database is being closed"}));
  wake(cancel_reason::shutdown);
}

}  // namespace slipway::db::detail
