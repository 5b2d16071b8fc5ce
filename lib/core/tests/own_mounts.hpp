// Mounts that nobody else on the machine sees. Needs root, as mounting does.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace slipway::tests {

// From here on what this thread mounts is seen by it and by the processes that it starts alone, and is gone with the last
// of them, however the test ends. Made before the server is started.
class mounts_of_our_own {
 public:
  mounts_of_our_own()
      : before_{::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)},
        root_{::open("/", O_PATH | O_CLOEXEC)},
        here_{::open(".", O_PATH | O_CLOEXEC)} {
    if (before_ < 0 || root_ < 0 || here_ < 0 || ::unshare(CLONE_NEWNS) != 0) {
      why_not_ = std::string{"no disk can be mounted: "} + std::strerror(errno) + " (it takes root)";
    } else {
      entered_ = true;
      if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        why_not_ = std::string{"mounts cannot be kept private: "} + std::strerror(errno);
    }
  }
  mounts_of_our_own(mounts_of_our_own const&) = delete;
  mounts_of_our_own& operator=(mounts_of_our_own const&) = delete;
  ~mounts_of_our_own() {
    if (entered_) go_back();
    for (auto const each : {before_, root_, here_})
      if (each >= 0) ::close(each);
  }
  // Empty when all is well.
  std::string const& why_not() const noexcept { return why_not_; }

 private:
  // Whoever enters a namespace stands at its root, which in a chroot or a container is not where we came from. Threads
  // that were started meanwhile and still live keep us where we are, which harms nobody: the kernel lets one thread go
  // alone, and not one of several that stand together.
  void go_back() const noexcept {
    if (::setns(before_, CLONE_NEWNS) != 0) return;
    if (::fchdir(root_) == 0 && ::chroot(".") == 0 && ::fchdir(here_) == 0) return;
    std::perror("the root of before cannot be entered again");
    std::abort();  // every test after this one would look at other files
  }

  int before_, root_, here_;
  bool entered_ = false;
  std::string why_not_;
};

}  // namespace slipway::tests
