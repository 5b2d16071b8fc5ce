#include "postgres_server.hpp"

#include <libpq-fe.h>

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace slipway::db::tests {

namespace files = std::filesystem;

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
bool postgres_server::make_certificates() {
  auto const in = [this](char const* name) { return directory() + "/" + name; };
  auto const openssl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/openssl");
    return process_->run(arguments) == 0;
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
  process_ = std::make_unique<slipway::tests::server_process>("PostgreSQL", "postgres");
  return true;
}

bool postgres_server::initialise(std::string& why_not) {
  if (!make_directory(why_not)) return false;
  if (process_->run({programs_ + "/initdb", "-D", directory() + "/data", "-A", "trust", "-U", "postgres", "-E", "UTF8",
                     "--locale=C", "--no-sync"}) != 0) {
    why_not = "initdb failed: " + process_->log();
    return false;
  }
  // One user who needs a password.
  std::ofstream{directory() + "/data/pg_hba.conf"}
      << "host all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
         "host replication all 127.0.0.1/32 trust\n";
  if (options_.tls && !make_certificates()) {
    why_not = "no certificates: install the package openssl; " + process_->log();
    return false;
  }
  port_ = slipway::tests::free_port();
  base_ = "postgres://postgres@127.0.0.1:" + std::to_string(port_) + "/";
  start();
  return true;
}

std::unique_ptr<postgres_server> postgres_server::replica(std::string& why_not, int port) {
  std::unique_ptr<postgres_server> made{new postgres_server};
  made->options_ = options_;
  if (!made->make_directory(why_not)) return nullptr;
  auto const slot = "r" + std::to_string(++replicas_);
  if (made->process_->run({made->programs_ + "/pg_basebackup", "-h", "127.0.0.1", "-p", std::to_string(port_), "-U",
                           "postgres", "-D", made->directory() + "/data", "-R", "-C", "-S", slot, "-X", "stream", "-c",
                           "fast", "--no-sync"}) != 0) {
    why_not = "pg_basebackup failed: " + made->process_->log();
    return nullptr;
  }
  made->port_ = port != 0 ? port : slipway::tests::free_port();
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
  std::vector<std::string> command{programs_ + "/postgres", "-D", directory() + "/data", "-p", std::to_string(port_)};
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
    set("ssl_cert_file=" + directory() + "/server.crt");
    set("ssl_key_file=" + directory() + "/server.key");
  }
  // Left alone, it ends its children as well.
  process_->start(command, [this] { return PQping((base_ + "postgres").c_str()) == PQPING_OK; }, SIGQUIT);
}

void postgres_server::kill() {
  // With its children, each of which is a session of its own.
  auto const id = std::to_string(process_->id());
  std::ifstream children{"/proc/" + id + "/task/" + id + "/children"};
  for (int child; children >> child;) ::kill(child, SIGKILL);
  process_->kill();
}

postgres_server::~postgres_server() {
  if (process_ != nullptr) process_->end(SIGINT);
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

}  // namespace slipway::db::tests
