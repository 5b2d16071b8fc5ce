#include "safe_open.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace slipway::content {
namespace {

// O_NONBLOCK: opening a FIFO that somebody put there must not wait for its writer.
constexpr int reading = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

descriptor absent_or_throw(std::string const& path) {
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO: throw std::system_error{errno, std::generic_category(), "cannot open " + path};
    default: return {};
  }
}

descriptor open_step_by_step(int root, std::string const& path) {
  descriptor directory;
  int at = root;
  std::size_t begin = 0;
  for (;;) {
    auto const end = path.find('/', begin);
    auto const segment = path.substr(begin, end == std::string::npos ? end : end - begin);
    bool const last = end == std::string::npos || end + 1 == path.size();
    auto const flags = last ? reading | O_NOFOLLOW | (end == std::string::npos ? 0 : O_DIRECTORY)
                            : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    descriptor next{::openat(at, segment.empty() ? "." : segment.c_str(), flags)};
    if (!next) return absent_or_throw(path);
    if (last) return next;
    directory = std::move(next);
    at = directory.get();
    begin = end + 1;
  }
}

}  // namespace

bool is_safe_path(std::string_view path) noexcept {
  if (path.size() > 4096) return false;
  while (!path.empty()) {
    auto const end = path.find('/');
    auto const segment = path.substr(0, end);
    if (segment.empty() || segment.front() == '.' || segment.size() > 255) return false;
    for (char c : segment)
      if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7f) return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
  return true;
}

descriptor open_beneath(int root, std::string const& path, how_to_resolve how) {
  if (how == how_to_resolve::kernel) {
    open_how what{};
    what.flags = static_cast<unsigned>(reading);
    what.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    int number;
    do {
      number = static_cast<int>(::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &what, sizeof what));
      // EAGAIN: something was renamed meanwhile, and the kernel cannot vouch for the result.
    } while (number < 0 && (errno == EINTR || errno == EAGAIN));
    if (number >= 0) return descriptor{number};
    if (errno != ENOSYS && errno != EPERM) return absent_or_throw(path);
  }
  return open_step_by_step(root, path);
}

}  // namespace slipway::content
