// A disk of a few megabytes that a server of a test's own fills. Needs root, as mounting does.
#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace slipway::db::tests {

// From here on what this thread mounts is seen by it and by the processes that it starts alone, and is gone with the last
// of them, however the test ends. Made before the server is started.
class mounts_of_our_own {
 public:
  mounts_of_our_own() : before_{::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)} {
    if (before_ < 0 || ::unshare(CLONE_NEWNS) != 0) {
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
    if (entered_) ::setns(before_, CLONE_NEWNS);
    if (before_ >= 0) ::close(before_);
  }
  // Empty when all is well.
  std::string const& why_not() const noexcept { return why_not_; }

 private:
  int before_;
  bool entered_ = false;
  std::string why_not_;
};

class small_disk {
 public:
  // In a directory that is made, for the user who runs the server.
  small_disk(mounts_of_our_own const&, std::string where, std::string const& size, std::string const& user)
      : where_{std::move(where)} {
    auto const* of = ::getpwnam(user.c_str());
    auto const options =
        "size=" + size + ",mode=0700" + (of != nullptr ? ",uid=" + std::to_string(of->pw_uid) : std::string{});
    if (::mkdir(where_.c_str(), 0755) != 0 || ::mount("tmpfs", where_.c_str(), "tmpfs", 0, options.c_str()) != 0)
      throw std::runtime_error{"no disk of " + size + ": " + std::strerror(errno)};
  }
  small_disk(small_disk const&) = delete;
  small_disk& operator=(small_disk const&) = delete;
  // Also while the server still has files there.
  ~small_disk() { ::umount2(where_.c_str(), MNT_DETACH); }
  std::string const& path() const noexcept { return where_; }

 private:
  std::string where_;
};

}  // namespace slipway::db::tests
