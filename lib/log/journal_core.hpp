// Inside the journal: its channels, and the way of one line into the lane of its thread.
#pragma once

#include <slipway/log/render.hpp>
#include <slipway/log/writer.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace slipway::log {

// What becomes of a line when the lane is full.
enum class when_full : std::uint8_t {
  drop,     // it is counted
  wait,     // briefly, and counted when that was in vain
  decline,  // it is not counted: the caller comes back with it
};

class journal_core {
 public:
  journal_core(settings const& s, journal::parts with, std::unique_ptr<sink> to);

  channel& named(std::string_view name);
  void set_level(level l) noexcept;
  void set_level(std::string_view name, level l);
  void clear_level(std::string_view name);
  level common_level() const noexcept { return common_.load(std::memory_order_relaxed); }
  std::map<std::string, level, std::less<>> levels() const;

  void write(channel const& by, level l, std::string_view message, std::span<field const> fields,
             context const* operation) noexcept;

  // Gives `render(line&, time)` room in this thread's lane. False: there was none.
  template <class Render>
  bool submit(when_full policy, Render&& render) noexcept {
    auto* const l = lane_of_this_thread();
    if (l == nullptr) [[unlikely]]
      return false;
    std::unique_lock lock{l->mutex};
    auto* at = l->reserve();
    if (at == nullptr) [[unlikely]] {
      if (policy == when_full::decline) return false;
      at = policy == when_full::wait ? wait_for_room(*l, lock) : nullptr;
      if (at == nullptr) {
        l->dropped.fetch_add(1, std::memory_order_relaxed);
        lock.unlock();
        writer_.notice(true);
        return false;
      }
    }
    l->jammed = false;
    line out{at};
    auto const whole = render(out, l->time(clock_.now()));
    if (out.cut()) [[unlikely]]
      l->truncated.fetch_add(1, std::memory_order_relaxed);
    l->commit(whole.size());
    auto const urgent = l->more_than_half();
    lock.unlock();
    writer_.notice(urgent);
    return true;
  }

  bool as_text() const noexcept { return as_text_; }
  std::string_view render(line& out, record const& r) const noexcept {
    return as_text_ ? render_text(out, r, secrets_, colours_) : render_json(out, r, secrets_);
  }
  // Null when there is no memory for one; the line is then lost and counted.
  lane* lane_of_this_thread() noexcept;

  void reopen() noexcept { writer_.reopen(); }
  bool flush(std::chrono::milliseconds limit) noexcept { return writer_.flush(limit); }
  journal_counters counters() const noexcept;

 private:
  char* wait_for_room(lane& l, std::unique_lock<std::mutex>& lock) noexcept;
  void report();

  clock_source const& clock_;
  trace_ids (*ids_of_)(trace_span const&);
  redactor secrets_;
  std::atomic<level> common_;
  mutable std::mutex registry_;
  std::map<std::string, std::unique_ptr<channel>, std::less<>> channels_;
  std::map<std::string, level, std::less<>> own_levels_;
  std::atomic<std::uint64_t> lost_{0};  // without any lane
  std::uint64_t reported_ = 0;
  channel* own_;
  bool as_text_ = false, colours_ = false;
  lanes lanes_;
  writer writer_;  // last: its thread uses the rest
};

}  // namespace slipway::log
