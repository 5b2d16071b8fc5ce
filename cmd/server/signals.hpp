// The signals that the service understands, taken one at a time by the main thread.
#pragma once

#include <functional>
#include <thread>

namespace app {

enum class wish {
  stop,    // SIGTERM, SIGINT: finish what is in flight and end
  reload,  // SIGHUP: configuration, certificates, keys, log files
};

// Blocks the signals in this thread and all that it starts. Before any thread is made.
void take_signals() noexcept;
// Waits for the next one.
wish next_wish() noexcept;

// While it lives, SIGTERM and SIGINT end the process at once, with exit code 0: until the service serves nobody waits
// in next_wish, and a database that does not answer may be waited for longer than a supervisor is patient. It is no
// worse than a crash there: nothing was promised to anybody yet, and what is begun in a database is a transaction or a
// migration, which goes on where it was. After take_signals; of the thread that made it.
class interruptible_start {
 public:
  // `last_words` are said before the end, on a thread of its own; they must not wait for long.
  explicit interruptible_start(std::function<void()> last_words);
  interruptible_start(interruptible_start const&) = delete;
  interruptible_start& operator=(interruptible_start const&) = delete;
  ~interruptible_start();

 private:
  std::jthread thread_;
};

}  // namespace app
