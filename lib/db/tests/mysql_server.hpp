// MariaDB servers for tests: one that a test binary shares, which SLIPWAY_TEST_MYSQL names or which is started here
// when the machine has its programs, and others with options of their own.
#pragma once

#include "sql_server.hpp"

#include <memory>
#include <string>
#include <vector>

namespace slipway::db::tests {

class mysql_server final : public sql_server {
 public:
  // Null with the reason when there is none.
  static mysql_server* shared(std::string& why_not);
  // A server of the test's own, with these options of mariadbd. Null with the reason.
  static std::unique_ptr<mysql_server> make(std::vector<std::string> const& options, std::string& why_not);

  std::string make_database() override;
  bool is_ours() const noexcept override { return process_ != nullptr; }
  std::string url_of(std::string const& user, std::string const& password, std::string const& name) const;
  std::string root_url() const { return base_ + "mysql"; }
  int port() const noexcept override { return port_; }
  std::string const& directory() const noexcept { return process_->directory(); }
  // Statements as the administrator.
  void administer(std::string const& sql) const;
  // Ends a session of somebody's, unless it is over already.
  void end_session(std::int64_t id) const;
  void kill() override { process_->kill(); }  // as a power failure does
  void start() override;
  void freeze(bool on) const { process_->freeze(on); }  // keeps its connections, and does nothing

 private:
  mysql_server() = default;
  bool initialise(std::string& why_not);

  std::string base_;  // mysql://root@127.0.0.1:port/
  std::string program_;
  std::unique_ptr<slipway::tests::server_process> process_;  // null: a server that was there
  std::vector<std::string> options_;
  int port_ = 0;
  unsigned databases_ = 0;
};

}  // namespace slipway::db::tests
