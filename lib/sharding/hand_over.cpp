// The end of a move: what is left is carried over behind a fence, compared, and given away.
#include <slipway/sharding/mover_parts.hpp>
#include <slipway/sharding/scatter.hpp>

namespace slipway::sharding {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Until little is left: what comes in meanwhile never ends.
task<std::int64_t> one_move::catch_up() {
  std::int64_t all = 0;
  for (unsigned pass = 0; pass < 100; ++pass) {
    step("catch up");
    auto const done = co_await catch_up_once();
    all += done;
    if (done < of_.settings().move_batch / 10 + 1) break;
  }
  co_return all;
}

task<> one_move::hand_over() {
  co_await catch_up();
  co_await measure();
  for (unsigned attempt = 0; attempt < 20; ++attempt) {
    co_await catch_up();
    if (co_await try_to_hand_over()) co_return;
    // Writers first.
    co_await sleep_for(milliseconds{20 * (attempt + 1)});
  }
  throw unavailable_error{
      fmt::format("slot {}: what is left to be carried over could not be finished within "
                  "sharding.fence ({} ms) in 20 attempts. Raise it, or move the slot when less is "
                  "written; the move can be taken up again.",
                  slot_, of_.settings().fence.count())};
}

task<bool> one_move::try_to_hand_over() {
  step("fence");
  auto const began = now();
  ++report_.fences;
  if (!co_await fence()) co_return false;
  std::exception_ptr wrong;
  bool is_released = false;
  try {
    auto const until = began + of_.settings().fence;
    std::int64_t left = 1;
    while (left > 0 && now() < until) {
      step("carry the rest over");
      auto const pending = co_await source().query("select count(*) from sharding_changes where slot = $1", {slot_});
      left = pending[0].get<std::int64_t>(0);
      if (left > 0) co_await catch_up_once();
    }
    if (left == 0) {
      step("compare");
      if (co_await compare(until)) {
        step("release");
        is_released = co_await release();
      }
    }
  } catch (...) {
    wrong = std::current_exception();
  }
  report_.fenced += duration_cast<milliseconds>(now() - began);
  if (is_released) co_return true;
  step("let go");
  co_await let_go();
  if (wrong) std::rethrow_exception(wrong);
  co_return false;
}

task<bool> one_move::fence() {
  try {
    fences_ = co_await source().transaction(
        [this](db::transaction& tx) -> task<std::int64_t> {
          if (tx.dialect() == db::dialect::postgres)
            co_await tx.execute(fmt::format("set local lock_timeout = {}", of_.settings().fence.count()));
          auto const mine = co_await tx.execute(
              fmt::format(
                  "update sharding_slots set state = 'fenced', fences = fences + 1, changed_at = {} where slot = "
                  "$1 and state = 'copying' and mover = $2",
                  now_in(tx.dialect())),
              {slot_, token_});
          if (mine == 0) refuse_outrun(slot_);
          auto const found = co_await tx.query("select fences from sharding_slots where slot = $1", {slot_});
          co_return found[0].get<std::int64_t>(0);
        },
        {.attempts = 1});
  } catch (db::conflict_error const&) {
    co_return false;  // transactions that write in the slot last longer than we may wait
  }
  co_return true;
}

task<> one_move::let_go() {
  co_await source().execute(
      fmt::format(
          "update sharding_slots set state = 'copying', changed_at = {} where slot = $1 and state = 'fenced' and "
          "mover = $2",
          now_in(source().dialect())),
      {slot_, token_});
}

// From here on the slot is the target's. Refused when anybody has let writers in since the fence.
task<bool> one_move::release() {
  co_return co_await source().transaction([this](db::transaction& tx) -> task<bool> {
    auto const mine = co_await tx.execute(
        fmt::format(
            "update sharding_slots set state = 'released', peer = $4, changed_at = {} where slot = $1 and state "
            "= 'fenced' and mover = $2 and fences = $3",
            now_in(tx.dialect())),
        {slot_, token_, fences_, name_of(target_)});
    if (mine > 0) co_await tx.execute("update sharding_node set version = version + 1");
    co_return mine > 0;
  });
}

// Whether rows can be compared behind a fence at all: nobody should have to wait to find out.
task<> one_move::measure() {
  step("measure");
  auto const until = now() + of_.settings().fence;
  for (auto const& carrier : carriers_)
    if (!co_await sums(*carrier, until))
      throw unavailable_error{fmt::format(
          "slot {}: to compare its rows takes longer than sharding.fence ({} ms), for which they could not be "
          "written: raise sharding.fence, and sharding.patience with it. The move can be taken up again.",
          slot_, of_.settings().fence.count())};
}

task<bool> one_move::compare(std::chrono::steady_clock::time_point until) {
  report_.rows = 0;
  for (auto const& carrier : carriers_) {
    auto const found = co_await sums(*carrier, until);
    if (!found) co_return false;
    auto const& [here, there] = *found;
    report_.rows += here.rows;
    if (here != there)
      throw startup_error{
          exit_code::data,
          fmt::format("slot {}: {} differs after copying: {} rows with sum {} on {}, {} rows with sum {} "
                      "on {}. Nothing was handed over. A trigger or default of {}'s own may change what "
                      "is written; give the move up with `slipway sharding give-up {}`.",
                      slot_, carrier->of().name, here.rows, here.checksum, name_of(source_), there.rows, there.checksum,
                      name_of(target_), name_of(target_), slot_)};
  }
  co_return now() < until;
}

// Both at once, under a deadline that reaches the servers: a statement that takes too long is stopped there.
task<std::optional<std::array<content, 2>>> one_move::sums(row_carrier& carrier,
                                                           std::chrono::steady_clock::time_point until) {
  std::array<content, 2> out;
  std::array<std::exception_ptr, 2> wrong;
  auto const left = std::chrono::ceil<milliseconds>(until - now());
  if (left <= milliseconds{0}) co_return std::nullopt;
  co_await detail::for_each(2, 2, left, [&](std::size_t side) -> task<> {
    try {
      out[side] = co_await carrier.sum(side == 0 ? source() : target(), slot_);
    } catch (...) {
      wrong[side] = std::current_exception();
    }
  });
  for (auto const& each : wrong) {
    try {
      if (each) std::rethrow_exception(each);
    } catch (cancelled_error const& e) {
      if (e.why() != cancel_reason::deadline) throw;
      co_return std::nullopt;
    }
  }
  co_return out;
}

}  // namespace slipway::sharding
