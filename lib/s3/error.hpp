// What an object store refused, as a sentence with what to do.
#pragma once

#include <slipway/core/errors.hpp>

#include <string>
#include <string_view>

namespace slipway::http_client {
struct response;
}

namespace slipway::s3 {

class error : public std::runtime_error {
 public:
  error(int status, std::string code, exit_code exit, std::string const& what)
      : std::runtime_error{what}, status_{status}, code_{std::move(code)}, exit_{exit} {}
  int status() const noexcept { return status_; }
  std::string const& code() const noexcept { return code_; }  // "NoSuchBucket"; empty when the answer says none
  exit_code exit() const noexcept { return exit_; }           // for a command that ends because of it

 private:
  int status_;
  std::string code_;
  exit_code exit_;
};

// `what` was to be done: "put backups/a"; `where` is the bucket, "s3://bucket at https://host".
error explain(http_client::response const& answer, std::string_view what, std::string_view where);

}  // namespace slipway::s3
