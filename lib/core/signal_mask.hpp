// Signals are for the threads that expect them. A thread begins with the mask of the one that starts it, so whoever starts
// a helper blocks all of them meanwhile; what arrives then is kept for the others.
//
// SIGPROF alone stays open everywhere: the kernel sends it to the thread that spends the processor's time, and where that
// one blocks it, to another, so that a profile would show those who wait. Nobody sends it unless a profile is taken.
#pragma once

#include <signal.h>

namespace slipway {

// While it lives, its thread takes no signal but SIGPROF; then as before.
class all_signals_blocked {
 public:
  all_signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGPROF);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  all_signals_blocked(all_signals_blocked const&) = delete;
  all_signals_blocked& operator=(all_signals_blocked const&) = delete;
  ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace slipway
