#include "cmd/server/signals.hpp"

#include <signal.h>

#include <initializer_list>

namespace app {
namespace {

sigset_t ours() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, s);
  return set;
}

}  // namespace

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
