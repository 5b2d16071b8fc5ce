#include <slipway/log/writer.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/signal_mask.hpp>
#include <slipway/runtime/shard.hpp>

#include <cerrno>
#include <system_error>

namespace slipway::log {
namespace {

// How long one write may wait for a reader: so long a stop may be late.
constexpr std::chrono::milliseconds reader_wait{100};
// After this the end of the process is not held up by a reader that does not read.
constexpr std::chrono::seconds last_wait{2};

// Full disks are emptied again: the lines wait in their lane meanwhile. A reader that is gone does not come back.
bool may_pass(int error) noexcept {
  return error == ENOSPC || error == EDQUOT || error == ENOBUFS || error == ENOMEM || error == EINTR;
}

}  // namespace

lanes::~lanes() {
  for (auto& l : all_) delete l.load();
}

lane& lanes::mine() {
  auto const index = shard::on_a_shard() ? 1 + shard::current().index() % (most - 1) : 0;
  if (auto* l = all_[index].load(std::memory_order_acquire); l != nullptr) [[likely]]
    return *l;
  return make(index);
}

lane& lanes::make(std::size_t index) {
  auto made = std::make_unique<lane>(bytes_);
  lane* expected = nullptr;
  if (all_[index].compare_exchange_strong(expected, made.get())) return *made.release();
  return *expected;  // another thread was faster
}

bool lanes::empty() const noexcept {
  for (auto const& l : all_)
    if (auto const* made = l.load(); made != nullptr && !made->empty()) return false;
  return true;
}

writer::writer(lanes& from, std::unique_ptr<sink> to, std::chrono::milliseconds every, std::function<void()> report)
    : lanes_{from}, sink_{std::move(to)}, every_{every}, report_{std::move(report)} {
  // With them, a closed pipe is an error of the write as well.
  all_signals_blocked const meanwhile;
  try {
    thread_ = std::jthread{[this] { run(); }};
  } catch (std::system_error const& e) {
    throw startup_error{exit_code::os, std::string{"cannot start the log's writer thread: "} + e.what() +
                                           "; raise the limit on threads (ulimit -u, TasksMax)"};
  }
}

writer::~writer() {
  {
    std::scoped_lock lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void writer::wake() noexcept {
  {
    std::scoped_lock lock{mutex_};
    if (woken_) return;
    woken_ = true;
  }
  wake_.notify_one();
}

void writer::reopen() noexcept {
  {
    std::scoped_lock lock{mutex_};
    reopen_ = true;
  }
  wake_.notify_one();
}

bool writer::flush(std::chrono::milliseconds limit) noexcept {
  std::unique_lock lock{mutex_};
  auto const mine = ++flush_asked_;
  wake_.notify_one();
  return drained_.wait_for(lock, limit, [&] { return flush_done_ >= mine; });
}

void writer::run() {
  std::chrono::steady_clock::time_point give_up{};
  bool quiet = false, stuck = false;
  for (;;) {
    bool reopen = false, stopping = false;
    std::uint64_t flushing = 0;
    {
      std::unique_lock lock{mutex_};
      auto const called = [&] { return woken_ || reopen_ || stopping_ || flush_done_ < flush_asked_; };
      if (stuck) {
        wake_.wait_for(lock, every_);
      } else if (quiet) {
        asleep_.store(true);
        if (lanes_.empty()) wake_.wait(lock, called);
        asleep_.store(false);
      } else {
        wake_.wait_for(lock, every_, called);
      }
      woken_ = false;
      reopen = std::exchange(reopen_, false);
      stopping = stopping_;
      flushing = flush_asked_;
    }
    quiet = lanes_.empty();
    auto how_far = drain();
    if (reopen) open_again();
    report_();
    if (how_far == progress::all) how_far = drain();  // what the report wrote
    stuck = how_far != progress::all;
    if (!stuck) {
      std::scoped_lock lock{mutex_};
      flush_done_ = flushing;
      drained_.notify_all();
    }
    if (!stopping) continue;
    if (!stuck) return;
    auto const now = std::chrono::steady_clock::now();
    if (give_up == std::chrono::steady_clock::time_point{}) give_up = now + last_wait;
    if (now >= give_up) return;
  }
}

writer::progress writer::drain() noexcept {
  auto const first = unfinished_;
  for (std::size_t i = 0; i < lanes::most; ++i) {
    auto const index = (first + i) % lanes::most;
    auto* const l = lanes_.at(index);
    if (l == nullptr) continue;
    if (auto const how_far = drain(*l, mid_line_); how_far != progress::all) {
      unfinished_ = index;
      return how_far;
    }
  }
  unfinished_ = 0;
  return progress::all;
}

// Writes what is in the lane now; what comes meanwhile is for the next look, so that no lane starves another.
writer::progress writer::drain(lane& l, bool& mid_line) noexcept {
  auto left = l.peek().bytes;
  while (left > 0) {
    auto const waiting = l.peek().first(left);
    auto const done = sink_->write(waiting.pieces, reader_wait);
    if (done.bytes > 0) {
      auto const& piece = done.bytes <= waiting.pieces[0].size() ? waiting.pieces[0] : waiting.pieces[1];
      auto const in_piece = done.bytes <= waiting.pieces[0].size() ? done.bytes : done.bytes - waiting.pieces[0].size();
      mid_line = piece[in_piece - 1] != '\n';
      l.take(done.bytes);
      left -= done.bytes;
      continue;
    }
    if (done.error == 0) return progress::stuck;
    failed_.fetch_add(1, std::memory_order_relaxed);
    if (may_pass(done.error)) return progress::stuck;
    l.take(waiting.bytes);
    mid_line = false;
    return progress::all;
  }
  return progress::all;
}

void writer::open_again() {
  // A line that the old file did not take whole ends there; its rest must not begin the new one.
  if (auto* const l = lanes_.at(unfinished_); mid_line_ && l != nullptr) {
    auto const waiting = l->peek();
    std::size_t rest = 0;
    for (auto const& piece : waiting.pieces) {
      auto const end = piece.find('\n');
      rest += end == std::string_view::npos ? piece.size() : end + 1;
      if (end != std::string_view::npos) break;
    }
    l->take(rest);
    l->dropped.fetch_add(1, std::memory_order_relaxed);
    mid_line_ = false;
  }
  reopen_error_ = sink_->reopen();
}

}  // namespace slipway::log
