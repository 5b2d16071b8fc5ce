// What takes a profile of one kind. Never two at once; on a thread that may block.
#pragma once

#include <slipway/core/fault.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace slipway::profiles {

class recorder {
 public:
  virtual ~recorder() = default;

  // For zero the profile is of this moment, where the kind has such. After a fault, which says what is missing and what
  // to do, nothing has begun. Throws unavailable_error.
  virtual result<void> begin(std::chrono::seconds how_long) = 0;
  // Whether it holds as much as is good for the process, so that it ends now. From any thread, and without waiting.
  virtual bool full() const noexcept = 0;
  // Ends what has begun, in any case, and gives it. Throws unavailable_error.
  virtual std::string finish() = 0;
};

// Processor time, by libprofiler of gperftools, which is loaded when it is first asked for: a hundred stacks for each
// second of processor time, of whichever thread spends it.
std::unique_ptr<recorder> make_cpu_recorder();
// Memory, by jemalloc, where the process was started on it with profiling: see docs/operations.md.
std::unique_ptr<recorder> make_heap_recorder();

}  // namespace slipway::profiles
