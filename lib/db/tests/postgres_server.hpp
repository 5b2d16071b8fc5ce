// PostgreSQL servers for tests: one that a test binary shares, which SLIPWAY_TEST_POSTGRES names or which is started here
// when the machine has its programs, and others with options of their own.
#pragma once

#include "sql_server.hpp"

#include <memory>
#include <string>

namespace slipway::db::tests {

struct postgres_options {
  bool tls = false;  // with a certificate for "localhost" by an authority made for it: see directory()
  int max_connections = 200;
  std::string preload{};  // shared_preload_libraries
};

class postgres_server final : public sql_server {
 public:
  // One that the test binary shares; null with the reason when there is none.
  static postgres_server* shared(std::string& why_not);
  // One more, with options of its own.
  static std::unique_ptr<postgres_server> own(postgres_options options, std::string& why_not);
  // A streaming replica of this one, on this port if any is given.
  std::unique_ptr<postgres_server> replica(std::string& why_not, int port = 0);
  // A replica of another from now on.
  void follow(postgres_server const& other);
  // One statement from outside, on the server's own database or this one: the first value of its answer.
  std::string ask(std::string const& sql, std::string const& database = "postgres") const;
  ~postgres_server() override;

  int port() const noexcept override { return port_; }
  // Where ca.crt and other.crt are, the authority of the server's certificate and one that has nothing to do with it.
  std::string const& directory() const noexcept { return process_->directory(); }

  std::string make_database() override;
  bool is_ours() const noexcept override { return is_running(); }
  std::string const& url() const noexcept { return base_; }
  std::string url_of(std::string const& user, std::string const& password, std::string const& name) const;
  bool is_running() const noexcept { return process_ != nullptr && process_->is_running(); }
  void kill() override;
  void start() override;

 private:
  postgres_server() = default;
  bool initialise(std::string& why_not);
  bool make_directory(std::string& why_not);
  bool make_certificates();
  void create(std::string const& name);

  std::string base_;  // postgres://postgres@127.0.0.1:port/
  std::string programs_;
  std::unique_ptr<slipway::tests::server_process> process_;  // null: a server that was there
  postgres_options options_;
  int port_ = 0;
  unsigned databases_ = 0, replicas_ = 0;
};

}  // namespace slipway::db::tests
