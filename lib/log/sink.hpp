// Where lines go. A sink is used by one thread at a time: the journal's writer.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::log {

class sink {
 public:
  virtual ~sink() = default;
  struct outcome {
    std::size_t bytes = 0;  // taken, from the front; the rest is offered again
    int error = 0;          // errno of a write that failed; zero with fewer bytes: the reader does not read
  };
  // Writes in order, and waits at most `wait` for a reader that does not read.
  virtual outcome write(std::span<std::string_view const> pieces, std::chrono::milliseconds wait) = 0;
  // Opens the file by its name again, after a rotation moved it away. An empty text, or what went wrong: the old
  // file stays in use then.
  virtual std::string reopen() { return {}; }
  // Whether a person reads along: lines are then text with colours.
  virtual bool is_terminal() const noexcept { return false; }
};

// "stdout", "stderr", or the path of a file that is appended to (made with mode 0640). Throws startup_error that
// says what to do when the file cannot be opened.
std::unique_ptr<sink> open_sink(std::string const& name);

// Keeps lines in memory, for tests.
class memory_sink final : public sink {
 public:
  struct text {
    mutable std::mutex mutex;
    std::string bytes;
    std::string copy() const {
      std::scoped_lock lock{mutex};
      return bytes;
    }
    std::vector<std::string> lines() const;
  };
  explicit memory_sink(std::shared_ptr<text> to) noexcept : to_{std::move(to)} {}
  outcome write(std::span<std::string_view const> pieces, std::chrono::milliseconds wait) override;

 private:
  std::shared_ptr<text> to_;
};

}  // namespace slipway::log
