// For work on a shard that goes on for longer than a millisecond or two without waiting for anything.
#pragma once

#include <slipway/core/task.hpp>

namespace slipway {

// Lets everything else of this shard that is ready go first, sockets and timers too, and then goes on. Costs less than
// a microsecond where nothing is. Only on a shard's thread. Throws cancelled_error when the operation is cancelled.
task<> yield();

}  // namespace slipway
