#include "server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace slipway::tests {
namespace {

namespace files = std::filesystem;

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  return at;
}

// Whether a new socket is taken there by bind or connect.
bool succeeds_at(int port, int (*call)(int, sockaddr const*, socklen_t)) {
  auto const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto const at = loopback(port);
  auto const done = call(s, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0;
  ::close(s);
  return done;
}

// Ports for servers that are told where to listen. The kernel gives none of them to outgoing connections or to whoever
// asks for any port, so that nobody comes between the choice and the server, nor while it is down and to be started
// again. Test programs run side by side: each locks the byte of its port in one file, which tests/e2e/processes.py does
// as well. The locks go with the process.
class claims {
 public:
  claims() {
    auto const name = files::temp_directory_path() / ("slipway-ports-" + std::to_string(::geteuid()));
    file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) throw std::runtime_error{"cannot open " + name.string()};
    next_ = first + ::getpid() * 37 % (last - first);
  }

  int next() {
    std::scoped_lock const alone{mutex_};
    for (int tries = first; tries < last; ++tries) {
      if (++next_ >= last) next_ = first;
      struct ::flock claim{};
      claim.l_type = F_WRLCK;
      claim.l_whence = SEEK_SET;
      claim.l_start = next_;
      claim.l_len = 1;
      if (::fcntl(file_, F_SETLK, &claim) == 0 && succeeds_at(next_, ::bind)) return next_;
    }
    throw std::runtime_error{"no free port"};
  }

 private:
  // A Redis cluster speaks with itself at ten thousand above these.
  static constexpr int first = 10'000, last = 20'000;
  std::mutex mutex_;
  int file_ = -1, next_ = first;
};

// In the child: nothing here may allocate or throw.
[[noreturn]] void become(char* const* arguments, passwd const* user, char const* directory, int log, int when_left) {
  ::dup2(log, 1);
  ::dup2(log, 2);
  if (::geteuid() == 0 && user != nullptr && (::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) ::_exit(126);
  if (::chdir(directory) != 0) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, when_left);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

int free_port() {
  static claims mine;
  return mine.next();
}

bool accepts_at(int port) { return succeeds_at(port, ::connect); }

std::string greeting_at(int port, std::size_t size) {
  auto const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto const at = loopback(port);
  timeval const limit{2, 0};
  ::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string out(size, '\0');
  ssize_t got = 0;
  if (::connect(s, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0)
    got = ::recv(s, out.data(), out.size(), MSG_WAITALL);
  ::close(s);
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

std::string find_program(std::string const& name) {
  auto const* path = std::getenv("PATH");
  std::istringstream folders{(path != nullptr ? std::string{path} : std::string{}) +
                             ":/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"};
  for (std::string each; std::getline(folders, each, ':');)
    if (auto const file = each + "/" + name; !each.empty() && ::access(file.c_str(), X_OK) == 0) return file;
  return {};
}

server_process::server_process(std::string name, std::string user)
    : name_{std::move(name)}, user_{std::move(user)}, folder_{name_} {
  files::permissions(directory(), files::perms::all);
  auto const log = directory() + "/log";
  std::ofstream{log}.flush();
  files::permissions(log, files::perms::all);
}

server_process::~server_process() { kill(); }

std::string server_process::log() const {
  std::ifstream in{directory() + "/log"};
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

int server_process::spawn(std::vector<std::string> const& command, int when_left) const {
  auto words = command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& each : words) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  auto const* user = user_.empty() ? nullptr : ::getpwnam(user_.c_str());
  auto const log = ::open((directory() + "/log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  auto const child = ::fork();
  if (child == 0) become(arguments.data(), user, directory().c_str(), log, when_left);
  ::close(log);
  if (child < 0) throw std::runtime_error{"no process for " + name_};
  return child;
}

int server_process::run(std::vector<std::string> const& command) const {
  auto const child = spawn(command, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void server_process::start(std::vector<std::string> const& command, std::function<bool()> const& answers) {
  start(command, answers, SIGKILL);
}

void server_process::start(std::vector<std::string> const& command, std::function<bool()> const& answers,
                           int when_left) {
  constexpr std::chrono::seconds patience{30};
  constexpr std::size_t most_of_log = 2000;
  id_ = spawn(command, when_left);
  auto const end = std::chrono::steady_clock::now() + patience;
  auto const* problem = " does not answer: ";
  while (std::chrono::steady_clock::now() < end) {
    if (::waitpid(id_, nullptr, WNOHANG) != 0) {
      id_ = 0;
      problem = " ended at its start: ";
      break;
    }
    if (answers()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  auto said = log();
  if (said.size() > most_of_log) said.erase(0, said.size() - most_of_log);
  throw std::runtime_error{name_ + problem + said};
}

void server_process::end(int signal) {
  if (id_ <= 0) return;
  ::kill(id_, signal);
  ::waitpid(id_, nullptr, 0);
  id_ = 0;
}

void server_process::kill() { end(SIGKILL); }

void server_process::freeze(bool on) const {
  if (id_ > 0) ::kill(id_, on ? SIGSTOP : SIGCONT);
}

}  // namespace slipway::tests
