#include <slipway/core/errors.hpp>
#include <slipway/profiles/memory_file.hpp>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace slipway::profiles {
namespace {

[[noreturn]] void fail(char const* what) {
  throw unavailable_error{std::string{what} + ": " + std::generic_category().message(errno)};
}

}  // namespace

memory_file::memory_file() : file_{::memfd_create("slipway-profile", MFD_CLOEXEC)} {
  if (!file_) fail("the profile cannot have a file in memory");
}

std::string memory_file::path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

std::size_t memory_file::size() const noexcept {
  struct stat about{};
  return ::fstat(file_.get(), &about) == 0 ? static_cast<std::size_t>(about.st_size) : 0;
}

std::string memory_file::read() const {
  std::string out(size(), '\0');
  std::size_t had = 0;
  while (had < out.size()) {
    auto const n = ::pread(file_.get(), out.data() + had, out.size() - had, static_cast<off_t>(had));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("the profile cannot be read");
    if (n == 0) break;
    had += static_cast<std::size_t>(n);
  }
  out.resize(had);
  return out;
}

}  // namespace slipway::profiles
