#include "cmd/server/signals.hpp"

#include <slipway/core/signal_mask.hpp>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <initializer_list>
#include <utility>

namespace app {
namespace {

sigset_t ours() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, s);
  return set;
}

// Of the guard's thread alone, which it tells to end.
constexpr int enough = SIGUSR1;

void wait_for_stop(std::stop_token const& served, std::function<void()> const& last_words) {
  sigset_t set;
  ::sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, enough}) ::sigaddset(&set, s);
  while (!served.stop_requested()) {
    int got = 0;
    if (::sigwait(&set, &got) != 0 || got == enough) continue;
    last_words();
    ::_exit(0);
  }
}

}  // namespace

interruptible_start::interruptible_start(std::function<void()> last_words) {
  // What comes before the thread waits is kept for it.
  slipway::all_signals_blocked const meanwhile;
  thread_ = std::jthread{[words = std::move(last_words)](std::stop_token const& served) {
    ::pthread_setname_np(::pthread_self(), "start");
    wait_for_stop(served, words);
  }};
}

interruptible_start::~interruptible_start() {
  thread_.request_stop();
  ::pthread_kill(thread_.native_handle(), enough);
  thread_.join();
}

void take_signals() noexcept {
  auto const set = ours();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a peer that left is seen by its write
}

wish next_wish() noexcept {
  auto const set = ours();
  int got = 0;
  while (::sigwait(&set, &got) != 0) {}
  return got == SIGHUP ? wish::reload : wish::stop;
}

}  // namespace app
