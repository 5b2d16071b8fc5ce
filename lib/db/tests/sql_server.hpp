// A database server of the tests, whichever engine it is.
#pragma once

#include "../../core/tests/server_process.hpp"

#include <memory>
#include <string>

namespace slipway::db::tests {

class sql_server {
 public:
  sql_server(sql_server const&) = delete;
  sql_server& operator=(sql_server const&) = delete;
  virtual ~sql_server() = default;

  // A new, empty database; its URL.
  virtual std::string make_database() = 0;
  virtual int port() const noexcept = 0;
  // Started here, and so may be killed.
  virtual bool is_ours() const noexcept = 0;
  virtual void kill() = 0;   // as a power failure does
  virtual void start() = 0;  // and waits until it answers

 protected:
  sql_server() = default;
};

}  // namespace slipway::db::tests
