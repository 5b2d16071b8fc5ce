// PostgreSQL's own programs, with the address from database.url and its password in the environment.
#pragma once

#include <slipway/backup/tool.hpp>

#include <map>
#include <string>
#include <vector>

namespace slipway::backup {

class postgres_tools {
 public:
  postgres_tools(std::string const& url, std::string client_directory);
  tool make(std::string const& program, std::vector<std::string> arguments) const;
  // Without the password.
  std::string const& url() const noexcept { return url_; }

 private:
  std::string url_, client_directory_;
  std::map<std::string, std::string> environment_;
};

}  // namespace slipway::backup
