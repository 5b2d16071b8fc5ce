#include "mongodb_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

namespace slipway::documents::tests {
namespace {

namespace files = std::filesystem;

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  return at;
}

int free_port() {
  auto const s = ::socket(AF_INET, SOCK_STREAM, 0);
  auto at = loopback(0);
  ::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof at);
  socklen_t size = sizeof at;
  ::getsockname(s, reinterpret_cast<sockaddr*>(&at), &size);
  ::close(s);
  return ntohs(at.sin_port);
}

bool answers(int port) {
  auto const s = ::socket(AF_INET, SOCK_STREAM, 0);
  auto const at = loopback(port);
  auto const done = ::connect(s, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0;
  ::close(s);
  return done;
}

std::string find_program() {
  if (auto const* named = std::getenv("SLIPWAY_TEST_FERRETDB")) return named;
  std::string const path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  for (std::size_t from = 0; from < path.size();) {
    auto const end = std::min(path.find(':', from), path.size());
    auto const candidate = files::path{path.substr(from, end - from)} / "ferretdb";
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
    from = end + 1;
  }
  return "";
}

}  // namespace

mongodb_server* mongodb_server::shared(std::string& why_not) {
  static std::string reason;
  static std::unique_ptr<mongodb_server> const server = [] {
    std::unique_ptr<mongodb_server> made{new mongodb_server};
    auto const* url = std::getenv("SLIPWAY_TEST_MONGODB");
    if (url == nullptr) return made->initialise(reason) ? std::move(made) : nullptr;
    std::string const whole{url};
    auto const slash = whole.find('/', whole.find("://") + 3);
    made->base_ = whole.substr(0, slash) + "/";
    if (auto const question = whole.find('?'); question != std::string::npos) made->options_ = whole.substr(question);
    return made;
  }();
  why_not = reason;
  return server.get();
}

std::unique_ptr<mongodb_server> mongodb_server::own(std::string& why_not) {
  std::unique_ptr<mongodb_server> made{new mongodb_server};
  return made->initialise(why_not) ? std::move(made) : nullptr;
}

bool mongodb_server::initialise(std::string& why_not) {
  program_ = find_program();
  if (program_.empty()) {
    why_not =
        "no MongoDB: set SLIPWAY_TEST_MONGODB=mongodb://host:27017/, or SLIPWAY_TEST_FERRETDB to the program that "
        "scripts/ferretdb.sh builds";
    return false;
  }
  auto name = (files::temp_directory_path() / "slipway-ferretdb-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    why_not = "no temporary directory";
    return false;
  }
  directory_ = name;
  port_ = free_port();
  base_ = "mongodb://127.0.0.1:" + std::to_string(port_) + "/";
  start();
  return true;
}

void mongodb_server::start() {
  process_ = ::fork();
  if (process_ == 0) {
    auto const log = directory_ + "/log";
    auto const out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
    std::vector<std::string> arguments{program_,
                                       "--handler=sqlite",
                                       "--sqlite-url=file:" + directory_ + "/",
                                       "--listen-addr=127.0.0.1:" + std::to_string(port_),
                                       "--debug-addr=-",
                                       "--telemetry=disable",
                                       "--log-level=error",
                                       "--state-dir=" + directory_};
    std::vector<char*> argv;
    for (auto& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  for (int i = 0; i < 600; ++i) {
    if (answers(port_)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  throw std::runtime_error{"FerretDB does not answer: see " + directory_ + "/log"};
}

void mongodb_server::kill() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

mongodb_server::~mongodb_server() {
  if (process_ > 0) kill();
  std::error_code ignored;
  if (!directory_.empty()) files::remove_all(directory_, ignored);
}

std::string mongodb_server::make_database() {
  return base_ + "slipway_test_" + std::to_string(::getpid()) + "_" + std::to_string(++databases_) + options_;
}

}  // namespace slipway::documents::tests
