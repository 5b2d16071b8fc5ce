#include <slipway/log/sink.hpp>

#include <slipway/core/descriptor.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace slipway::log {
namespace {

std::array<iovec, 2> vectors_of(std::span<std::string_view const> pieces) noexcept {
  std::array<iovec, 2> out{};
  for (std::size_t i = 0; i < out.size() && i < pieces.size(); ++i)
    out[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  return out;
}

// What went wrong, as the writer must know it: a reader that does not read is no error.
sink::outcome outcome_of(ssize_t n) noexcept {
  if (n >= 0) return {static_cast<std::size_t>(n), 0};
  return {0, errno == EAGAIN ? 0 : errno};
}

class file_sink final : public sink {
 public:
  explicit file_sink(std::string path) : path_{std::move(path)}, file_{open()} {
    if (file_) return;
    auto const error = errno;
    auto const code =
        error == EACCES || error == EPERM || error == EROFS ? exit_code::permission : exit_code::cannot_create;
    throw startup_error{
        code,
        fmt::format("cannot open the log file {}: {}; make its directory writable for this user or set log.output",
                    path_, std::strerror(error))};
  }

  outcome write(std::span<std::string_view const> pieces, std::chrono::milliseconds) override {
    auto const vectors = vectors_of(pieces);
    auto const done = outcome_of(::writev(file_.get(), vectors.data(), static_cast<int>(vectors.size())));
    // The log cannot tell that it cannot be written; standard error may be read by somebody. Once for each outage.
    if (done.error != 0 && std::exchange(told_, done.error) != done.error)
      fmt::print(stderr,
                 "slipway: cannot write the log file {}: {}; lines wait in memory (log.buffer_bytes), then are "
                 "dropped and counted\n",
                 path_, std::strerror(done.error));
    if (done.bytes > 0) told_ = 0;
    return done;
  }

  std::string reopen() override {
    descriptor fresh{open()};
    if (!fresh)
      return fmt::format("cannot open {} again: {}; the lines go on into the old file", path_, std::strerror(errno));
    file_ = std::move(fresh);
    return {};
  }

 private:
  int open() const noexcept { return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640); }
  std::string path_;
  descriptor file_;
  int told_ = 0;  // the errno that standard error knows of
};

// A descriptor that the process was started with. It is shared with others, so it is never made non-blocking
// itself: pipes and terminals are opened again for that, sockets are asked each time.
class inherited_sink final : public sink {
 public:
  explicit inherited_sink(int fd) {
    struct stat about{};
    if (::fstat(fd, &about) != 0)
      throw startup_error{exit_code::cannot_create,
                          fmt::format("descriptor {} is closed; set log.output to a file", fd)};
    is_terminal_ = ::isatty(fd) == 1;
    is_socket_ = S_ISSOCK(about.st_mode);
    if (is_terminal_ || S_ISFIFO(about.st_mode))
      file_ =
          descriptor{::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
    if (!file_) file_ = descriptor{::fcntl(fd, F_DUPFD_CLOEXEC, 3)};
    if (!file_)
      throw startup_error{exit_code::os,
                          fmt::format("cannot duplicate descriptor {} for the log: {}", fd, std::strerror(errno))};
  }

  outcome write(std::span<std::string_view const> pieces, std::chrono::milliseconds wait) override {
    auto done = attempt(pieces);
    if (done.bytes == 0 && done.error == 0) {
      pollfd writable{.fd = file_.get(), .events = POLLOUT, .revents = 0};
      if (::poll(&writable, 1, static_cast<int>(wait.count())) > 0) done = attempt(pieces);
    }
    return done;
  }
  bool is_terminal() const noexcept override { return is_terminal_; }

 private:
  outcome attempt(std::span<std::string_view const> pieces) noexcept {
    auto vectors = vectors_of(pieces);
    if (!is_socket_) return outcome_of(::writev(file_.get(), vectors.data(), static_cast<int>(vectors.size())));
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = vectors.size();
    return outcome_of(::sendmsg(file_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  descriptor file_;
  bool is_terminal_ = false, is_socket_ = false;
};

}  // namespace

std::unique_ptr<sink> open_sink(std::string const& name) {
  if (name == "stdout") return std::make_unique<inherited_sink>(STDOUT_FILENO);
  if (name == "stderr") return std::make_unique<inherited_sink>(STDERR_FILENO);
  return std::make_unique<file_sink>(name);
}

sink::outcome memory_sink::write(std::span<std::string_view const> pieces, std::chrono::milliseconds) {
  std::scoped_lock lock{to_->mutex};
  outcome done;
  for (auto const piece : pieces) {
    to_->bytes.append(piece);
    done.bytes += piece.size();
  }
  return done;
}

std::vector<std::string> memory_sink::text::lines() const {
  auto const all = copy();
  std::vector<std::string> out;
  for (std::size_t from = 0; from < all.size();) {
    auto const end = std::min(all.find('\n', from), all.size());
    out.push_back(all.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

}  // namespace slipway::log
