// What a shard does for its connections every 100 ms: late operations, old and silent connections.
#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_call.hpp>
#include <slipway/db/postgres_shard.hpp>

#include <algorithm>
#include <ranges>

namespace slipway::db::detail {

using steady = std::chrono::steady_clock;

void pg_shard::tick() {
  auto const now = home_.coarse_now();
  auto const all = [this] {
    auto copy = pipelines_;
    copy.insert(copy.end(), retiring_.begin(), retiring_.end());
    copy.insert(copy.end(), busy_.begin(), busy_.end());
    return copy;
  }();
  for (auto const& each : all)
    if (each->is_open()) each->tick(now);
  for (auto const& each : std::vector{listeners_})
    if (auto const alive = each.lock()) alive->tick(now);
  give_up_late(now);
  retire(now);
  look_after(now);
  replenish();
}

// Whoever waited too long for a connection.
void pg_shard::give_up_late(steady::time_point now) {
  operation* late;
  do {
    late = nullptr;
    for (auto* op = stranded_.first(); op != nullptr && late == nullptr; op = op->next_operation)
      if (op->position <= as_position(now) || (op->of != nullptr && op->of->deadline <= now)) late = op;
    if (late == nullptr) break;
    stranded_.remove(*late);
    if (late->of != nullptr && late->of->deadline <= now)
      fail(*late, std::make_exception_ptr(cancelled_error{cancel_reason::deadline}));
    else
      fail(*late, std::make_exception_ptr(unavailable_error{"PostgreSQL: no connection: " + last_error_}));
  } while (true);

  for (auto again = true; again;) {
    again = false;
    for (auto* each : waiters_) {
      if (std::min(each->give_up, each->deadline) > now || each->connection != nullptr || each->error) continue;
      each->error =
          each->deadline <= now
              ? std::make_exception_ptr(cancelled_error{cancel_reason::deadline})
              : std::make_exception_ptr(unavailable_error{"PostgreSQL: no connection was free for " +
                                                          std::to_string(settings_.acquire_timeout.count()) + " ms" +
                                                          (last_error_.empty() ? "" : ": " + last_error_)});
      each->done.fire();
      again = true;
      break;
    }
  }
}

// Replaces what is old: a pipeline when its successor is there, the others when they have nothing to do.
void pg_shard::retire(steady::time_point now) {
  auto const why = std::make_exception_ptr(unavailable_error{"PostgreSQL: the connection has served its time"});
  auto const end = [&](std::vector<std::shared_ptr<pg_connection>>& list, auto is_over) {
    for (auto const& each : std::vector{list}) {
      if (!is_over(*each)) continue;
      std::erase(list, each);
      each->close(why);
      counters_.open.subtract();
    }
  };
  end(retiring_, [](auto const& c) { return c.load() == 0; });
  end(idle_, [now](auto const& c) { return c.retire_at <= now; });
  if (opening_pipelines_ == 0 && retiring_.empty() && now >= next_attempt_ && !closing_ &&
      std::ranges::any_of(pipelines_, [now](auto const& c) { return c->retire_at <= now; }))
    open_one(purpose::pipeline);
}

// Asks what was not used for a while for a sign of life, before a request has to find out.
void pg_shard::look_after(steady::time_point now) {
  auto const since = now - settings_.idle_check;
  for (auto const& each : std::vector{idle_}) {
    if (each->used_at > since || !each->is_open()) continue;
    std::erase(idle_, each);
    busy_.push_back(each);
    counters_.in_use.add();
    start_detached(probe(*this, each, false));
  }
  for (auto const& each : pipelines_) {
    if (each->load() != 0) each->used_at = now;
    if (each->used_at > since || !each->is_open()) continue;
    each->used_at = now;
    start_detached(probe(*this, each, true));
  }
}

task<> pg_shard::probe(pg_shard& me, std::shared_ptr<pg_connection> connection, bool shared) {
  context limit;
  limit.deadline = me.home_.coarse_now() + me.settings_.connect_timeout;
  try {
    text_call look{*connection, "select 1", &limit};
    co_await look;
  } catch (std::exception const&) {  // lost, or ended by its own clock: then it is replaced
    if (!shared) connection->soil();
  }
  if (!shared) me.release(std::move(connection));
}

}  // namespace slipway::db::detail
