#include <slipway/config/watcher.hpp>
#include <slipway/core/descriptor.hpp>
#include <slipway/core/signal_mask.hpp>

#include <fmt/format.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>
#include <thread>

namespace slipway::config {
namespace {

constexpr std::uint32_t events =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

void must_be_open(int fd, char const* what) {
  if (fd < 0)
    throw startup_error{exit_code::os, fmt::format("cannot watch the configuration's files: {}: {}; raise "
                                                   "fs.inotify.max_user_instances or the limit on open files",
                                                   what, std::strerror(errno))};
}

}  // namespace

struct file_watch::impl {
  impl(std::function<std::vector<std::string>()> which, std::function<void()> tell, std::chrono::milliseconds still)
      : directories{std::move(which)},
        changed{std::move(tell)},
        settle{still},
        notify{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)},
        stop{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    must_be_open(notify.get(), "inotify");
    must_be_open(stop.get(), "eventfd");
    watch();  // before the thread runs: what changes after the constructor is seen
    all_signals_blocked const meanwhile;
    thread = std::jthread{[this] { run(); }};
  }
  ~impl() {
    std::uint64_t const one = 1;
    // An eventfd takes at least one more write; nothing else could be done about it here.
    [[maybe_unused]] auto const written = ::write(stop.get(), &one, sizeof one);
    thread.join();
  }

  // Watching a directory twice is one watch, so this also brings back those that were replaced.
  void watch() {
    for (auto const& d : directories()) ::inotify_add_watch(notify.get(), d.c_str(), events | IN_ONLYDIR);
  }

  enum class woken { time_out, file, stop };
  woken wait(int milliseconds) {
    std::array<pollfd, 2> both{
        {{.fd = notify.get(), .events = POLLIN, .revents = 0}, {.fd = stop.get(), .events = POLLIN, .revents = 0}}};
    while (::poll(both.data(), both.size(), milliseconds) < 0)
      if (errno != EINTR) return woken::stop;
    if (both[1].revents != 0) return woken::stop;
    if (both[0].revents == 0) return woken::time_out;
    // What exactly happened does not matter: everything is read again.
    alignas(inotify_event) std::array<char, 4096> buffer;
    while (::read(notify.get(), buffer.data(), buffer.size()) > 0) {}
    return woken::file;
  }

  void run() {
    while (true) {
      if (wait(-1) == woken::stop) return;
      auto const last = std::chrono::steady_clock::now() + 10 * settle;
      auto what = woken::file;
      while (what == woken::file && std::chrono::steady_clock::now() < last)
        what = wait(static_cast<int>(settle.count()));
      if (what == woken::stop) return;
      watch();
      changed();
    }
  }

  std::function<std::vector<std::string>()> directories;
  std::function<void()> changed;
  std::chrono::milliseconds settle;
  descriptor notify, stop;
  std::jthread thread;
};

file_watch::file_watch(std::function<std::vector<std::string>()> directories, std::function<void()> changed,
                       std::chrono::milliseconds settle)
    : impl_{std::make_unique<impl>(std::move(directories), std::move(changed), settle)} {}
file_watch::~file_watch() = default;

std::vector<std::string> directories_of(sources const& from, provenance const& came) {
  std::set<std::string> out;
  auto const add = [&](std::filesystem::path const& directory) {
    out.insert(directory.empty() ? "." : directory.string());
  };
  if (!from.directory.empty()) add(from.directory);
  for (auto const* files : {&came.files, &came.referenced_files})
    for (std::filesystem::path const file : *files) add(file.parent_path());
  return {out.begin(), out.end()};
}

}  // namespace slipway::config
