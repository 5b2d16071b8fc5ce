#include "fixture.hpp"

#include <libpq-fe.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace slipway::db::tests {
namespace {

namespace files = std::filesystem;

int free_port() {
  auto const s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof at);
  socklen_t size = sizeof at;
  ::getsockname(s, reinterpret_cast<sockaddr*>(&at), &size);
  ::close(s);
  return ntohs(at.sin_port);
}

// PostgreSQL refuses to run as root.
int run_as_postgres(std::vector<std::string> arguments, std::string const& log, bool wait) {
  auto const* user = ::getpwnam("postgres");
  auto const child = ::fork();
  if (child == 0) {
    auto const out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (::geteuid() == 0 && user != nullptr && (::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
      ::_exit(126);
    if (::chdir("/") != 0) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // a test that crashes leaves no server behind
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

}  // namespace

postgres_server* postgres_server::shared(std::string& why_not) {
  static std::string reason;
  static std::unique_ptr<postgres_server> const server = [] {
    std::unique_ptr<postgres_server> made{new postgres_server};
    if (auto const* url = std::getenv("SLIPWAY_TEST_POSTGRES")) {
      made->base_ = url;
      if (!made->base_.ends_with('/')) made->base_.erase(made->base_.rfind('/') + 1);
      return made;
    }
    return made->initialise(reason) ? std::move(made) : nullptr;
  }();
  why_not = reason;
  return server.get();
}

std::unique_ptr<postgres_server> postgres_server::own(postgres_options options, std::string& why_not) {
  std::unique_ptr<postgres_server> made{new postgres_server};
  made->options_ = options;
  return made->initialise(why_not) ? std::move(made) : nullptr;
}

// By the openssl command, as an operator would.
bool postgres_server::make_certificates(std::string const& log) {
  auto const in = [this](char const* name) { return directory_ + "/" + name; };
  auto const openssl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/openssl");
    return run_as_postgres(std::move(arguments), log, true) == 0;
  };
  std::ofstream{in("extensions")} << "subjectAltName=DNS:localhost\n";
  auto const authority = [&](std::string const& name) {
    return openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=" + name, "-keyout", in((name + ".key").c_str()), "-out",
                    in((name + ".crt").c_str())});
  };
  return authority("ca") && authority("other") &&
         openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                  "/CN=localhost", "-keyout", in("server.key"), "-out", in("server.csr")}) &&
         openssl({"x509", "-req", "-in", in("server.csr"), "-CA", in("ca.crt"), "-CAkey", in("ca.key"),
                  "-CAcreateserial", "-days", "2", "-extfile", in("extensions"), "-out", in("server.crt")});
}

bool postgres_server::make_directory(std::string& why_not) {
  std::error_code error;
  for (auto const& version : files::directory_iterator{"/usr/lib/postgresql", error})
    if (files::exists(version.path() / "bin/initdb")) programs_ = (version.path() / "bin").string();
  if (programs_.empty()) {
    why_not =
        "no PostgreSQL: install the package postgresql, or set SLIPWAY_TEST_POSTGRES=postgres://user:password@host/";
    return false;
  }
  std::string name = (files::temp_directory_path() / "slipway-postgres-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    why_not = "no temporary directory";
    return false;
  }
  directory_ = name;
  files::permissions(directory_, files::perms::all);
  auto const log = directory_ + "/log";
  std::ofstream{log}.flush();
  files::permissions(log, files::perms::all);
  return true;
}

bool postgres_server::initialise(std::string& why_not) {
  if (!make_directory(why_not)) return false;
  auto const log = directory_ + "/log";
  if (run_as_postgres({programs_ + "/initdb", "-D", directory_ + "/data", "-A", "trust", "-U", "postgres", "-E", "UTF8",
                       "--locale=C", "--no-sync"},
                      log, true) != 0) {
    why_not = "initdb failed: see " + log;
    return false;
  }
  // One user who needs a password.
  std::ofstream{directory_ + "/data/pg_hba.conf"}
      << "host all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
         "host replication all 127.0.0.1/32 trust\n";
  if (options_.tls && !make_certificates(log)) {
    why_not = "no certificates: install the package openssl; see " + log;
    return false;
  }
  port_ = free_port();
  base_ = "postgres://postgres@127.0.0.1:" + std::to_string(port_) + "/";
  start();
  return true;
}

std::unique_ptr<postgres_server> postgres_server::replica(std::string& why_not, int port) {
  std::unique_ptr<postgres_server> made{new postgres_server};
  made->options_ = options_;
  if (!made->make_directory(why_not)) return nullptr;
  auto const log = made->directory_ + "/log";
  auto const slot = "r" + std::to_string(++replicas_);
  if (run_as_postgres(
          {made->programs_ + "/pg_basebackup", "-h", "127.0.0.1", "-p", std::to_string(port_), "-U", "postgres", "-D",
           made->directory_ + "/data", "-R", "-C", "-S", slot, "-X", "stream", "-c", "fast", "--no-sync"},
          log, true) != 0) {
    why_not = "pg_basebackup failed: see " + log;
    return nullptr;
  }
  made->port_ = port != 0 ? port : free_port();
  made->base_ = "postgres://postgres@127.0.0.1:" + std::to_string(made->port_) + "/";
  made->start();
  return made;
}

void postgres_server::follow(postgres_server const& other) {
  ask("alter system set primary_conninfo = 'host=127.0.0.1 port=" + std::to_string(other.port_) + " user=postgres'");
  ask("alter system set primary_slot_name = ''");
  ask("select pg_reload_conf()");
}

std::string postgres_server::ask(std::string const& sql, std::string const& database) const {
  auto* connection = PQconnectdb((base_ + database).c_str());
  auto* done = PQexec(connection, sql.c_str());
  auto const status = PQresultStatus(done);
  std::string const why = PQerrorMessage(connection);
  std::string const value = PQntuples(done) > 0 ? PQgetvalue(done, 0, 0) : "";
  PQclear(done);
  PQfinish(connection);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error{sql + ": " + why};
  return value;
}

void postgres_server::start() {
  auto const log = directory_ + "/log";
  std::vector<std::string> command{programs_ + "/postgres", "-D", directory_ + "/data", "-p", std::to_string(port_)};
  auto const set = [&command](std::string setting) {
    command.push_back("-c");
    command.push_back(std::move(setting));
  };
  set("listen_addresses=127.0.0.1");
  set("unix_socket_directories=");
  set("fsync=off");
  set("full_page_writes=off");
  set("max_connections=" + std::to_string(options_.max_connections));
  if (!options_.preload.empty()) set("shared_preload_libraries=" + options_.preload);
  if (options_.tls) {
    set("ssl=on");
    set("ssl_cert_file=" + directory_ + "/server.crt");
    set("ssl_key_file=" + directory_ + "/server.key");
  }
  process_ = run_as_postgres(std::move(command), log, false);
  for (int i = 0; i < 600; ++i) {
    if (PQping((base_ + "postgres").c_str()) == PQPING_OK) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  throw std::runtime_error{"PostgreSQL does not answer: see " + log};
}

void postgres_server::kill() {
  // With its children, each of which is a session of its own.
  std::vector<int> all{process_};
  std::ifstream children{"/proc/" + std::to_string(process_) + "/task/" + std::to_string(process_) + "/children"};
  for (int child; children >> child;) all.push_back(child);
  for (auto each : all) ::kill(each, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

postgres_server::~postgres_server() {
  if (process_ > 0) {
    ::kill(process_, SIGINT);
    ::waitpid(process_, nullptr, 0);
  }
  std::error_code ignored;
  if (!directory_.empty()) files::remove_all(directory_, ignored);
}

void postgres_server::create(std::string const& name) {
  auto* connection = PQconnectdb((base_ + "postgres").c_str());
  auto* done = PQexec(connection, ("create database " + name).c_str());
  auto const failed = PQresultStatus(done) != PGRES_COMMAND_OK;
  std::string const why = PQerrorMessage(connection);
  PQclear(done);
  PQfinish(connection);
  if (failed) throw std::runtime_error{"create database: " + why};
}

std::string postgres_server::make_database() {
  auto const name = "slipway_test_" + std::to_string(::getpid()) + "_" + std::to_string(++databases_);
  create(name);
  return base_ + name;
}

std::string postgres_server::url_of(std::string const& user, std::string const& password,
                                    std::string const& name) const {
  return "postgres://" + user + ":" + password + "@127.0.0.1:" + std::to_string(port_) + "/" + name;
}

char const* schema(db::dialect d) noexcept {
  if (d == db::dialect::sqlite)
    return "create table users (id blob primary key, email text not null unique, role text not null, nickname text, "
           "tags text not null, home text not null,"
           " version integer not null, created_at integer not null, updated_at integer not null, deleted_at integer) "
           "strict;"
           "create table notes (id blob primary key, owner_id blob not null references users (id), title text not "
           "null, pinned integer not null,"
           " stars integer not null constraint stars_positive check (stars >= 0), score real not null, rank integer, "
           "took integer not null, at integer not null,"
           " unique (owner_id, title)) strict;"
           "create table counters (id integer primary key, name text not null unique, value integer not null) strict;";
  if (d == db::dialect::mysql)
    return "create table users (id binary(16) primary key, email varchar(254) not null unique, role varchar(20) not "
           "null, nickname longtext, tags json not null, home json not null, version bigint not null, created_at "
           "datetime(6) not null, updated_at datetime(6) not null, deleted_at datetime(6));"
           "create table notes (id binary(16) primary key, owner_id binary(16) not null, title varchar(200) not null, "
           "pinned boolean not null, stars integer not null, score double not null, \"rank\" integer, took bigint not "
           "null, at datetime(6) not null, unique (owner_id, title), "
           "constraint stars_positive check (stars >= 0), foreign key (owner_id) references users (id));"
           "create table counters (id bigint auto_increment primary key, name varchar(200) not null unique, value "
           "bigint not null);";
  return "create table users (id uuid primary key, email text not null unique, role text not null, nickname text, tags "
         "jsonb not null, home jsonb not null,"
         " version bigint not null, created_at timestamptz not null, updated_at timestamptz not null, deleted_at "
         "timestamptz);"
         "create table notes (id uuid primary key, owner_id uuid not null references users (id), title text not null, "
         "pinned boolean not null,"
         " stars integer not null constraint stars_positive check (stars >= 0), score double precision not null, rank "
         "integer, took bigint not null, at timestamptz not null,"
         " unique (owner_id, title));"
         "create table counters (id bigint generated by default as identity primary key, name text not null unique, "
         "value bigint not null);";
}

std::string database_for(db::dialect d, std::string& why_not) {
  why_not.clear();
  if (d == db::dialect::sqlite) return "sqlite::memory:";
  if (d == db::dialect::mysql) {
    auto* server = mysql_server::shared(why_not);
    return server != nullptr ? server->make_database() : "";
  }
  auto* server = postgres_server::shared(why_not);
  return server != nullptr ? server->make_database() : "";
}

void each_engine::SetUp() {
  std::string why_not;
  settings_.url = database_for(GetParam(), why_not);
  if (settings_.url.empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  db_.reset(new database{connect(settings_, shards_)});
  run(db_->script(schema(GetParam())));
}

void each_engine::TearDown() { db_.reset(); }

}  // namespace slipway::db::tests
