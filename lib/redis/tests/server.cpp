#include "server.hpp"

#include <slipway/core/errors.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace slipway::redis::tests {

namespace file_system = std::filesystem;

int free_port() {
  auto const s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof at);
  socklen_t size = sizeof at;
  ::getsockname(s, reinterpret_cast<sockaddr*>(&at), &size);
  ::close(s);
  // A cluster speaks with itself at this port plus ten thousand.
  return ntohs(at.sin_port) < 55'000 ? ntohs(at.sin_port) : free_port();
}

folder::folder() {
  std::string name = (file_system::temp_directory_path() / "slipway-redis-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
  path_ = name;
}
folder::~folder() {
  std::error_code ignored;
  file_system::remove_all(path_, ignored);
}

bool is_installed(char const* program) {
  std::istringstream paths{std::getenv("PATH") != nullptr ? std::getenv("PATH") : "/usr/bin"};
  for (std::string each; std::getline(paths, each, ':');)
    if (::access((each + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

server::server(std::vector<std::string> more, std::string program, int port)
    : program_{std::move(program)}, more_{std::move(more)}, port_{port != 0 ? port : free_port()} {
  start();
}

server::~server() { kill(); }

void server::start() {
  std::vector<std::string> arguments{program_};
  if (program_ == "redis-sentinel") arguments.push_back(folder_.path() + "/sentinel.conf");
  if (program_ == "redis-sentinel") std::ofstream{folder_.path() + "/sentinel.conf", std::ios::app}.flush();
  for (auto const& each : {std::string{"--bind"}, std::string{"127.0.0.1"}, std::string{"--dir"}, folder_.path()})
    arguments.push_back(each);
  if (std::find(more_.begin(), more_.end(), "--port") == more_.end()) {
    arguments.emplace_back("--port");
    arguments.push_back(std::to_string(port_));
  }
  if (program_ == "redis-server") {
    arguments.emplace_back("--save");
    arguments.emplace_back("");
  }
  arguments.insert(arguments.end(), more_.begin(), more_.end());
  auto const log = folder_.path() + "/log";
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
    auto const out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(out, 1);
    ::dup2(out, 2);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    std::vector<char*> argv;
    for (auto& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  if (!wait_until([this] { return answers(); })) throw std::runtime_error{"Redis does not answer: " + this->log()};
}

bool server::answers() const {
  // Any answer will do; an error is one as well.
  auto const s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(port_));
  auto const connected = ::connect(s, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  ::close(s);
  return connected;
}

std::string server::cli(std::vector<std::string> words) const {
  std::string line = "redis-cli -h 127.0.0.1 -p " + std::to_string(port_);
  for (auto const* list : {&cli_, static_cast<std::vector<std::string> const*>(&words)})
    for (auto const& each : *list) line += " '" + each + "'";
  auto* const pipe = ::popen((line + " 2>&1").c_str(), "r");
  std::string out;
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) out.append(part, n);
  ::pclose(pipe);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

void server::kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}
void server::stop() { ::kill(process_, SIGSTOP); }
void server::resume() { ::kill(process_, SIGCONT); }

std::string server::log() const {
  std::ifstream in{folder_.path() + "/log"};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

bool wait_until(std::function<bool()> const& holds, std::chrono::seconds most) {
  auto const end = std::chrono::steady_clock::now() + most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

task<std::string> outcome(task<> work) {
  try {
    auto inner = std::move(work);
    co_await std::move(inner);
  } catch (error const& e) {
    co_return "error " + e.code();
  } catch (refused_error const& e) {
    co_return "refused " + e.code();
  } catch (lost_error const& e) {
    co_return e.may_have_been_done() ? "lost, may have been done" : "lost, not sent";
  } catch (unavailable_error const&) {
    co_return "unavailable";
  } catch (cancelled_error const&) {
    co_return "cancelled";
  }
  co_return "nothing";
}

std::string outcome_of_connecting(settings const& s, shards& on) {
  try {
    auto const made = connect(s, on);
    return "it connected";
  } catch (startup_error const& error) {
    return std::string{error.code() == exit_code::config        ? "config: "
                       : error.code() == exit_code::unavailable ? "unavailable: "
                                                                : "other: "} +
           error.what();
  }
}

}  // namespace slipway::redis::tests
