// The line that each request leaves, written straight into the buffer of the shard that served it.
#pragma once

#include <slipway/log/journal.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace slipway::log {

// Everything is a view that lives for the call. Empty texts and a negative number of bytes are left out.
struct access_record {
  std::string_view method;
  std::string_view route;  // the pattern, "/v1/notes/{id}"; empty: nothing matched
  std::string_view path;   // as it came, without the query, which may hold what must not be logged
  int status = 0;
  std::chrono::microseconds duration{0};
  std::int64_t bytes_in = -1, bytes_out = -1;
  std::uint32_t statements = 0;                // SQL, zero is left out
  std::chrono::microseconds in_statements{0};  // waiting for them; those that ran at once add up
  std::string_view peer;
  uuid const* user_id = nullptr;
  std::string_view correlation_id;
  std::string_view trace_id;
  std::string_view fault;       // stable code of the fault that was answered
  std::string_view internal;    // what the log alone may know: the text of an exception
  std::string_view user_agent;  // cut at 256 bytes, as the path is at 1024
};

class access_log {
 public:
  // The journal must outlive it. The lines belong to the logger "access": at a level above info, only failures are
  // written (500 and above are errors).
  access_log(journal& to, access_settings s);
  access_log(access_log const&) = delete;
  access_log& operator=(access_log const&) = delete;

  // Whether this request leaves a line. Counts it for the sample, so ask once for each request.
  bool wants(int status, std::chrono::microseconds duration) noexcept {
    if (!enabled_.load(std::memory_order_relaxed)) return false;
    if (status >= 500) [[unlikely]]
      return channel_->threshold.load(std::memory_order_relaxed) <= level::error;
    if (channel_->threshold.load(std::memory_order_relaxed) > level::info) return false;
    if (duration.count() >= slow_us_.load(std::memory_order_relaxed)) [[unlikely]]
      return true;
    auto const n = sample_.load(std::memory_order_relaxed);
    return n <= 1 || turn(n);
  }
  void write(access_record const& r) noexcept;
  // Takes effect with the next request.
  void change(access_settings s) noexcept;

 private:
  bool turn(std::uint32_t n) noexcept;

  channel* channel_;
  std::atomic<bool> enabled_;
  std::atomic<std::uint32_t> sample_;
  std::atomic<std::int64_t> slow_us_;
};

}  // namespace slipway::log
