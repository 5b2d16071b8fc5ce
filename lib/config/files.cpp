#include <slipway/config/files.hpp>
#include <slipway/core/descriptor.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace slipway::config {

std::expected<std::string, read_error> read_file(std::string const& path, std::size_t limit) {
  auto const failed = [](int error) {
    return std::unexpected{read_error{error, fmt::format("cannot be read: {}", std::strerror(error))}};
  };
  // Not blocking: a named pipe without a writer would hold the start up for ever.
  descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return failed(errno);
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return failed(errno);
  if (S_ISDIR(about.st_mode)) return failed(EISDIR);
  if (!S_ISREG(about.st_mode)) return std::unexpected{read_error{EINVAL, "cannot be read: it is not a regular file"}};
  std::string text;
  while (text.size() <= limit) {
    auto const had = text.size();
    text.resize(had + 16'384);
    auto const n = ::read(file.get(), text.data() + had, text.size() - had);
    if (n < 0 && errno == EINTR) {
      text.resize(had);
      continue;
    }
    if (n < 0) return failed(errno);
    text.resize(had + static_cast<std::size_t>(n));
    if (n == 0) return text;
  }
  return std::unexpected{read_error{EFBIG, fmt::format("cannot be read: it is larger than {} bytes", limit)}};
}

}  // namespace slipway::config
