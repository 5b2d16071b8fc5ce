#include "cmd/server/output.hpp"

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace app {

void hold_standard_descriptors() noexcept {
  for (int each : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(each, F_GETFD) == -1 && errno == EBADF) (void)::open("/dev/null", O_RDONLY);  // the lowest that is free
}

void flush_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw slipway::startup_error{
      slipway::exit_code::cannot_create,
      fmt::format("standard output cannot be written{}{}: what was to be shown is lost. Send it where "
                  "there is room.",
                  errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : "")};
}

}  // namespace app
