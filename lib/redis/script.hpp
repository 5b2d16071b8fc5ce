// A Lua script that the server runs in one piece. It is sent by its hash; a server that does not know it yet gets it in
// full, once.
//
//   script const add_up{"return redis.call('incrby', KEYS[1], ARGV[1])"};
//   auto sum = (co_await cache.eval(add_up, {"total"}, {"5"})).as_integer();
#pragma once

#include <string>
#include <string_view>

namespace slipway::redis {

class script {
 public:
  explicit script(std::string text);
  std::string const& text() const noexcept { return text_; }
  std::string const& hash() const noexcept { return hash_; }  // SHA-1, 40 hexadecimal digits

  // Runs the same way twice: may be sent again when the connection is lost.
  script& repeatable() noexcept {
    repeatable_ = true;
    return *this;
  }
  bool is_repeatable() const noexcept { return repeatable_; }

 private:
  std::string text_, hash_;
  bool repeatable_ = false;
};

}  // namespace slipway::redis
