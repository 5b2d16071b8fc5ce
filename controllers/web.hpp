// A built front end, from a directory, at the root of the service's own origin.
#pragma once

#include <slipway/content/static_files.hpp>

#include <set>
#include <string>
#include <string_view>

namespace app::controllers {

using namespace slipway;

class web {
 public:
  struct parts {
    std::string folder;
    std::string fallback;
    std::string content_security_policy;
    unsigned threads = 2;
  };
  // Throws startup_error when the folder cannot be read, and what check_policy throws.
  explicit web(parts p);
  // Throws startup_error when no field can hold the policy.
  static void check_policy(std::string_view policy);

  // Paths whose first segment is the service's own ("v1", "health") are never files: 404, and no fallback.
  void reserve(http::router const& table);

  task<> show(http::exchange& x) const;

 private:
  std::string policy_;
  blocking_pool disk_;
  content::static_files files_;
  std::set<std::string, std::less<>> reserved_;
};

}  // namespace app::controllers
