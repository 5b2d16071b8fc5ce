// Replies out of bytes: hiredis' reader, within bounds. It knows no sockets.
#pragma once

#include <slipway/redis/reply.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct redisReader;

namespace slipway::redis {

class reply_parser {
 public:
  struct limits {
    std::size_t bytes = 64 << 20;      // of one reply
    std::size_t elements = 1'000'000;  // of one reply, nested ones included
  };
  // Lists nest at most this deep, which is hiredis' own bound; no command of Redis comes near.
  static constexpr int max_depth = 7;

  explicit reply_parser(limits l);
  ~reply_parser();

  // A piece of what came, of any size; then ask `next` until it needs more.
  void feed(std::string_view bytes);
  enum class state : std::uint8_t { need_more, ready, broken };
  // Broken: these bytes are no replies, or exceed the limits (`problem` says which); nothing more can be read.
  state next(reply& out);
  std::string const& problem() const noexcept { return problem_; }
  bool too_large() const noexcept { return too_large_; }

 private:
  friend struct parser_callbacks;
  struct free_reader {
    void operator()(redisReader* r) const noexcept;
  };
  state break_off(std::string why, bool because_of_size);
  bool line_is_endless() const noexcept;

  limits limits_;
  std::unique_ptr<redisReader, free_reader> reader_;
  reply root_;
  std::size_t bytes_ = 0, elements_ = 0;  // of the reply that is being read
  bool over_ = false, too_large_ = false;
  std::string problem_;
};

}  // namespace slipway::redis
