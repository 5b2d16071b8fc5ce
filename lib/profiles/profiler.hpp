// Profiles of the running process, in the form that google-pprof and Go's pprof read: where its processor time goes,
// and who holds its memory. Nothing is loaded, started or counted until one is asked for.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/core/task.hpp>
#include <slipway/profiles/recorder.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::profiles {

// Takes one profile at a time, whichever shard asks.
class profiler {
 public:
  struct taken {
    std::string_view what;  // "cpu", "heap"
    std::chrono::milliseconds took{};
    std::size_t bytes = 0;
  };
  struct parts {
    std::unique_ptr<recorder> cpu = make_cpu_recorder();
    std::unique_ptr<recorder> heap = make_heap_recorder();
    std::function<void(taken const&)> tell{};  // of each that was taken; on the shard that asked
  };

  virtual ~profiler() = default;

  // On any shard. A fault when profiles are off (not_found), when another one is being taken (conflict), or when what
  // takes it is missing (conflict, its detail says what to install). The bytes are complete: an asker that goes away
  // ends the profile, and so does `close`, with unavailable.
  virtual task<result<std::string>> cpu(std::chrono::seconds how_long) = 0;
  // For zero: what is held now. Else what is allocated meanwhile and still held at the end, which needs a jemalloc whose
  // sampling is paused.
  virtual task<result<std::string>> heap(std::chrono::seconds how_long) = 0;

  // From any thread.
  virtual void allow(bool whether) noexcept = 0;
  // Ends the profile that is being taken, soon, and takes no more.
  virtual void close() noexcept = 0;
};

std::unique_ptr<profiler> make_profiler(bool allowed, profiler::parts what = {});

}  // namespace slipway::profiles
