// How a MySQL server can be unreachable, and what is said about it: addresses, passwords, encryption, versions, limits.
#include "../../core/tests/temporary_folder.hpp"
#include "fixture.hpp"

#include <slipway/core/errors.hpp>

#include <cstdlib>
#include <fstream>

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class mysql_addresses : public testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    server_ = mysql_server::shared(why_not);
    if (server_ == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    settings_.connect_attempts = 2;
    settings_.connect_timeout = 2s;
  }
  std::pair<exit_code, std::string> refusal(std::string url) {
    settings_.url = std::move(url);
    try {
      database refused{connect(settings_, shards_)};
    } catch (startup_error const& e) {
      return {e.code(), e.what()};
    }
    return {exit_code::ok, ""};
  }
  void expect_refusal(std::string url, exit_code expected, std::string const& part) {
    auto const [code, message] = refusal(url);
    EXPECT_EQ(code, expected) << url << ": " << message;
    EXPECT_THAT(message, AllOf(HasSubstr(part), Not(HasSubstr("topsecret"))));
  }

  mysql_server* server_ = nullptr;
  settings settings_;
  shards shards_{2};
};

TEST_F(mysql_addresses, wrong_ones_say_what_is_wrong_and_no_password) {
  expect_refusal("mysql://me:topsecret@127.0.0.1:1/db", exit_code::unavailable, "Tried 2 times");
  expect_refusal("mysql://me:topsecret@127.0.0.1:1/db", exit_code::unavailable, "127.0.0.1:1");
  expect_refusal("mysql://me:topsecret@nowhere.invalid/db", exit_code::unavailable, "cannot be resolved");
  for (auto const& [url, part] : std::initializer_list<std::pair<char const*, char const*>>{
           {"mysql://me:topsecret@[::1/db", "no URL"},
           {"mysql://me:topsecret@127.0.0.1:99999/db", "port"},
           {"mysql://me:topsecret@127.0.0.1:3306", "database's name"},
           {"mysql://me:topsecret@127.0.0.1:3306/db/more", "database's name"},
           {"mysql://127.0.0.1:3306/db", "user's name"},
           {"mysql://me:topsecret@127.0.0.1/db?sslmode=perhaps", "sslmode"},
           {"mysql://me:topsecret@127.0.0.1/db?tls=yes", "'tls'"},
           {"mysql://me:topsecret@127.0.0.1/db?sslmode=verify-full&sslrootcert=/no/such.pem", "/no/such.pem"},
           {"mysql://me:topsecret@127.0.0.1/db?sslcert=/no/such.pem", "/no/such.pem"}})
    expect_refusal(url, exit_code::config, part);
}

TEST_F(mysql_addresses, what_the_server_refuses_is_not_tried_again) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  server_->administer(
      "create user if not exists 'locked'@'%' identified by 'right'; create user if not exists 'closed'@'%' account "
      "lock; create database if not exists open_to_locked; grant all on open_to_locked.* to 'locked'@'%'");
  settings_.connect_attempts = 1000;  // would take a long time
  expect_refusal(server_->url_of("locked", "topsecret", "open_to_locked"), exit_code::config, "Access denied");
  expect_refusal(server_->url_of("nobody", "topsecret", "open_to_locked"), exit_code::config, "Access denied");
  expect_refusal(server_->url_of("locked", "right", "mysql"), exit_code::config, "Access denied");
  expect_refusal(server_->url_of("closed", "", "open_to_locked"), exit_code::config, "locked");
  expect_refusal(server_->url_of("root", "", "no_such_database"), exit_code::config, "no_such_database");
  expect_refusal(server_->url_of("root", "", "mysql") + "?sslmode=require", exit_code::config, "SSL");
  EXPECT_EQ(refusal(server_->url_of("locked", "right", "open_to_locked")).first, exit_code::ok);
  EXPECT_EQ(refusal("mariadb" + server_->url_of("locked", "right", "open_to_locked").substr(5)).first, exit_code::ok);
}

TEST_F(mysql_addresses, a_server_that_is_too_old_is_named) {
  std::string why_not;
  auto const old = mysql_server::make({"--version=10.3.39-MariaDB-old"}, why_not);
  if (old == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  expect_refusal(old->root_url(), exit_code::config, "MariaDB 10.3.39 is too old: MariaDB 10.6 or MySQL 8.0.16");
}

TEST_F(mysql_addresses, too_few_connections_say_how_many_are_needed) {
  std::string why_not;
  auto const small = mysql_server::make({"--max-connections=10", "--extra-max-connections=0"}, why_not);
  if (small == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  settings_.connections = 9;
  expect_refusal(small->root_url(), exit_code::unavailable, "It needs 20");
  settings_.connections = 2;
  settings_.url = small->root_url();
  database fits{connect(settings_, shards_)};
  EXPECT_EQ(fits.use().open, 6u);
}

// An authority, and a server that it vouches for as `localhost`.
class mysql_tls : public mysql_addresses {
 protected:
  void SetUp() override {
    mysql_addresses::SetUp();
    if (IsSkipped()) return;
    files_ = folder_.path();
    auto const at = [&](char const* file) { return files_ + "/" + file; };
    std::ofstream{at("names")} << "subjectAltName=DNS:localhost\n";
    for (auto const& command : std::vector<std::string>{
             "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout " +
                 at("ca.key") + " -out " + at("ca.pem"),
             "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other -keyout " +
                 at("other.key") + " -out " + at("other.pem"),
             "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout " + at("server.key") +
                 " -out " + at("server.csr"),
             "x509 -req -days 2 -in " + at("server.csr") + " -CA " + at("ca.pem") + " -CAkey " + at("ca.key") +
                 " -CAcreateserial -extfile " + at("names") + " -out " + at("server.pem")})
      ASSERT_EQ(std::system(("openssl " + command + " >/dev/null 2>&1").c_str()), 0) << command;
    ASSERT_EQ(std::system(("chmod -R a+rX " + files_).c_str()), 0);
    std::string why_not;
    secure_ = mysql_server::make({"--ssl-ca=" + at("ca.pem"), "--ssl-cert=" + at("server.pem"),
                                  "--ssl-key=" + at("server.key"), "--tls-version=TLSv1.2,TLSv1.3"},
                                 why_not);
    if (secure_ == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  }
  std::string url(char const* host, std::string const& mode) const {
    return "mysql://root@" + std::string{host} + ":" + std::to_string(secure_->port()) + "/mysql?sslmode=" + mode;
  }
  std::string cipher(std::string address) {
    settings_.url = std::move(address);
    database db{connect(settings_, shards_)};
    return shards_.run(db.query("show status like 'Ssl_cipher'"))[0].get<std::string>(1);
  }
  slipway::tests::temporary_folder folder_{"mysql-tls"};
  std::string files_;
  std::unique_ptr<mysql_server> secure_;
};

TEST_F(mysql_tls, the_mode_decides_what_is_encrypted_and_whom_to_trust) {
  auto const ca = "&sslrootcert=" + files_ + "/ca.pem", other = "&sslrootcert=" + files_ + "/other.pem";
  EXPECT_EQ(cipher(url("localhost", "disable")), "");
  EXPECT_NE(cipher(url("localhost", "prefer")), "");
  EXPECT_NE(cipher(url("127.0.0.1", "require")), "");
  EXPECT_NE(cipher(url("127.0.0.1", "verify-ca") + ca), "");
  EXPECT_NE(cipher(url("localhost", "verify-full") + ca), "");
  expect_refusal(url("127.0.0.1", "verify-full") + ca, exit_code::config, "certificate");
  expect_refusal(url("localhost", "verify-full") + other, exit_code::config, "certificate");
  expect_refusal(url("localhost", "verify-ca") + other, exit_code::config, "certificate");
  expect_refusal(url("localhost", "verify-full"), exit_code::config, "certificate");  // the system's authorities
}

}  // namespace
}  // namespace slipway::db::tests
