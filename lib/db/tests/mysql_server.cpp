#include "mysql_server.hpp"

#include <slipway/db/database.hpp>

#include <unistd.h>

#include <cstdlib>

namespace slipway::db::tests {

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
  auto const installer = slipway::tests::find_program("mariadb-install-db");
  program_ = slipway::tests::find_program("mariadbd");
  if (installer.empty() || program_.empty()) {
    why_not =
        "no MariaDB: install the package mariadb-server, or set SLIPWAY_TEST_MYSQL=mysql://user:password@host:3306/";
    return false;
  }
  process_ = std::make_unique<slipway::tests::server_process>("MariaDB", "mysql");
  if (process_->run({installer, "--no-defaults", "--datadir=" + directory() + "/data", "--tmpdir=" + directory(),
                     "--auth-root-authentication-method=normal", "--skip-test-db"}) != 0) {
    why_not = "mariadb-install-db failed: " + process_->log();
    return false;
  }
  port_ = slipway::tests::free_port();
  base_ = "mysql://root@127.0.0.1:" + std::to_string(port_) + "/";
  start();
  return true;
}

void mysql_server::start() {
  auto const data = directory() + "/data";
  std::vector<std::string> command{
      program_, "--no-defaults", "--datadir=" + data,
      // Of its own: a server that starts removes the temporary tables of all that share it.
      "--tmpdir=" + directory(), "--bind-address=127.0.0.1", "--port=" + std::to_string(port_),
      "--socket=" + data + "/socket", "--pid-file=" + data + "/pid", "--skip-name-resolve",
      "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M", "--innodb-doublewrite=0",
      "--max-connections=300"};
  command.insert(command.end(), options_.begin(), options_.end());
  // Its first packet says protocol 10.
  process_->start(command, [this] { return slipway::tests::greeting_at(port_, 5).ends_with('\n'); });
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
