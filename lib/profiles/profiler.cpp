#include <slipway/core/errors.hpp>
#include <slipway/profiles/profiler.hpp>
#include <slipway/runtime/blocking_pool.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>

namespace slipway::profiles {
namespace {

using std::chrono::steady_clock;

// How soon it is seen that the process stops, or that a profile is full.
constexpr std::chrono::milliseconds look_every{100};

class one_at_a_time final : public profiler {
 public:
  one_at_a_time(bool allowed, parts what) : parts_{std::move(what)}, allowed_{allowed} {}

  task<result<std::string>> cpu(std::chrono::seconds how_long) override { return take("cpu", *parts_.cpu, how_long); }
  task<result<std::string>> heap(std::chrono::seconds how_long) override {
    return take("heap", *parts_.heap, how_long);
  }
  void allow(bool whether) noexcept override { allowed_ = whether; }
  void close() noexcept override { closed_ = true; }

 private:
  struct turn {
    std::atomic<bool>& taken;
    ~turn() { taken = false; }
  };

  static fault stopping() {
    return fault::unavailable().detail("the service stops, and with it the profile that was being taken");
  }

  task<result<std::string>> take(std::string_view what, recorder& with, std::chrono::seconds how_long) {
    if (!allowed_)
      co_return fault::not_found().detail("profiles are off: set operations.profiles to true, which a reload takes up");
    if (closed_) co_return stopping();
    if (taken_.exchange(true))
      co_return fault::conflict("profile_running").detail("one profile is taken at a time: wait until it is over");
    turn const mine{taken_};
    auto const since = steady_clock::now();

    auto& thread = own_thread();
    auto begun = co_await thread.run([&] { return with.begin(how_long); });
    if (!begun) co_return std::move(begun.error());
    auto const cut = co_await wait(with, since + how_long);
    // Waited for whatever happened meanwhile: what has begun is ended.
    auto bytes = co_await thread.run([&] { return with.finish(); });
    if (cut) std::rethrow_exception(cut);
    if (closed_) co_return stopping();
    if (parts_.tell)
      parts_.tell(
          {what, std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - since), bytes.size()});
    co_return bytes;
  }

  // Until it is time; what came of it when the asker went away before.
  task<std::exception_ptr> wait(recorder const& with, steady_clock::time_point until) {
    try {
      for (auto now = steady_clock::now(); now < until && !closed_ && !with.full(); now = steady_clock::now())
        co_await sleep_for(std::min<steady_clock::duration>(until - now, look_every));
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }

  // Of whoever has the turn. Made for the first profile, so that a process of which none is taken has no such thread.
  blocking_pool& own_thread() {
    try {
      if (!thread_) thread_.emplace("profiles", blocking_pool::limits{.threads = 1, .queue = 1});
    } catch (startup_error const& error) {
      throw unavailable_error{error.what()};
    }
    return *thread_;
  }

  parts parts_;
  std::atomic<bool> allowed_, closed_{false}, taken_{false};
  std::optional<blocking_pool> thread_;
};

}  // namespace

std::unique_ptr<profiler> make_profiler(bool allowed, profiler::parts what) {
  return std::make_unique<one_at_a_time>(allowed, std::move(what));
}

}  // namespace slipway::profiles
