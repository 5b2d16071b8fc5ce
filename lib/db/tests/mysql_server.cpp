#include "mysql_server.hpp"

#include <slipway/db/database.hpp>

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
#include <thread>

namespace slipway::db::tests {
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

// Whether a server greets there: its first packet says protocol 10.
bool greets(int port) {
  auto const s = ::socket(AF_INET, SOCK_STREAM, 0);
  auto const at = loopback(port);
  timeval const limit{2, 0};
  ::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  unsigned char greeting[5] = {};
  auto const good = ::connect(s, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0 &&
                    ::recv(s, greeting, sizeof greeting, MSG_WAITALL) == 5 && greeting[4] == 10;
  ::close(s);
  return good;
}

int run_as_mysql(std::vector<std::string> arguments, std::string const& log, bool wait) {
  auto const* user = ::getpwnam("mysql");
  auto const child = ::fork();
  if (child == 0) {
    auto const out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (::geteuid() == 0 && user != nullptr && (::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
      ::_exit(126);
    if (::chdir("/") != 0) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
    std::vector<char*> argv;
    for (auto& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  if (!wait) return child;
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string program(char const* name) {
  for (std::string const directory : {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"})
    if (files::exists(directory + name)) return directory + name;
  return {};
}

}  // namespace

mysql_server* mysql_server::shared(std::string& why_not) {
  static std::string reason;
  static std::unique_ptr<mysql_server> const server = [] {
    if (auto const* url = std::getenv("SLIPWAY_TEST_MYSQL")) {
      std::unique_ptr<mysql_server> made{new mysql_server};
      made->base_ = url;
      if (!made->base_.ends_with('/')) made->base_.erase(made->base_.rfind('/') + 1);
      return made;
    }
    return make({}, reason);
  }();
  why_not = reason;
  return server.get();
}

std::unique_ptr<mysql_server> mysql_server::make(std::vector<std::string> const& options, std::string& why_not) {
  std::unique_ptr<mysql_server> made{new mysql_server};
  made->options_ = options;
  return made->initialise(why_not) ? std::move(made) : nullptr;
}

bool mysql_server::initialise(std::string& why_not) {
  auto const installer = program("mariadb-install-db");
  if (installer.empty() || program("mariadbd").empty()) {
    why_not =
        "no MariaDB: install the package mariadb-server, or set SLIPWAY_TEST_MYSQL=mysql://user:password@host:3306/";
    return false;
  }
  std::string name = (files::temp_directory_path() / "slipway-mariadb-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    why_not = "no temporary directory";
    return false;
  }
  directory_ = name;
  files::permissions(directory_, files::perms::all);
  auto const log = directory_ + "/log";
  std::ofstream{log}.flush();
  files::permissions(log, files::perms::all);
  if (run_as_mysql({installer, "--no-defaults", "--datadir=" + directory_ + "/data",
                    "--auth-root-authentication-method=normal", "--skip-test-db"},
                   log, true) != 0) {
    why_not = "mariadb-install-db failed: see " + log;
    return false;
  }
  port_ = free_port();
  base_ = "mysql://root@127.0.0.1:" + std::to_string(port_) + "/";
  start();
  return true;
}

void mysql_server::start() {
  auto const log = directory_ + "/log", data = directory_ + "/data";
  std::vector<std::string> arguments{program("mariadbd"),
                                     "--no-defaults",
                                     "--datadir=" + data,
                                     "--bind-address=127.0.0.1",
                                     "--port=" + std::to_string(port_),
                                     "--socket=" + data + "/socket",
                                     "--pid-file=" + data + "/pid",
                                     "--skip-name-resolve",
                                     "--innodb-flush-log-at-trx-commit=2",
                                     "--innodb-buffer-pool-size=64M",
                                     "--innodb-doublewrite=0",
                                     "--max-connections=300"};
  arguments.insert(arguments.end(), options_.begin(), options_.end());
  process_ = run_as_mysql(arguments, log, false);
  for (int i = 0; i < 1200; ++i) {
    if (greets(port_)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{25});
  }
  throw std::runtime_error{"MariaDB does not answer: see " + log};
}

void mysql_server::kill() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

void mysql_server::freeze(bool on) const { ::kill(process_, on ? SIGSTOP : SIGCONT); }

mysql_server::~mysql_server() {
  if (process_ > 0) kill();
  std::error_code ignored;
  if (is_ours()) files::remove_all(directory_, ignored);
}

void mysql_server::administer(std::string const& sql) const {
  shards on{1};
  database administrator{connect({.url = root_url(), .connections = 1, .pipelines = 1}, on)};
  on.run(administrator.script(sql));
}

void mysql_server::end_session(std::int64_t id) const {
  try {
    administer("kill " + std::to_string(id));
  } catch (db::error const& error) {
    if (error.code() != "1094") throw;  // it has ended by itself meanwhile
  }
}

std::string mysql_server::make_database() {
  auto const name = "slipway_test_" + std::to_string(::getpid()) + "_" + std::to_string(++databases_);
  shards on{1};
  database administrator{connect({.url = root_url(), .connections = 1, .pipelines = 1}, on)};
  auto const* collation = administrator.description().starts_with("MariaDB") ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin";
  on.run(administrator.script("create database " + name + " character set utf8mb4 collate " + collation));
  return base_ + name;
}

std::string mysql_server::url_of(std::string const& user, std::string const& password, std::string const& name) const {
  return "mysql://" + user + ":" + password + "@127.0.0.1:" + std::to_string(port_) + "/" + name;
}

}  // namespace slipway::db::tests
