// The signals that the service understands, taken one at a time by the main thread.
#pragma once

namespace app {

enum class wish {
  stop,    // SIGTERM, SIGINT: finish what is in flight and end
  reload,  // SIGHUP: configuration, certificates, keys, log files
};

// Blocks the signals in this thread and all that it starts. Before any thread is made.
void take_signals() noexcept;
// Waits for the next one.
wish next_wish() noexcept;

}  // namespace app
