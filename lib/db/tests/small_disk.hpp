// A disk of a few megabytes that a server of a test's own fills. Needs root, as mounting does.
#pragma once

#include "../../core/tests/own_mounts.hpp"

#include <pwd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace slipway::db::tests {

using slipway::tests::mounts_of_our_own;

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
