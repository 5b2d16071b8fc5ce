// The order of things on one connection, without the connection: requests become bytes, bytes become answers, and each
// answer goes to the request whose turn it is. A request that is given up leaves its place behind, so that its answer
// is dropped in order and never handed to another.
#pragma once

#include <slipway/redis/reply_parser.hpp>
#include <slipway/redis/request.hpp>

#include <deque>
#include <string>
#include <string_view>

namespace slipway::redis {

class pipeline {
 public:
  explicit pipeline(reply_parser::limits l) : parser_{l} {}

  void push(request& r) noexcept;
  // Turns requests into bytes at the end of `out`, until it holds `enough`. What was turned into bytes counts as sent.
  void fill(std::string& out, std::size_t enough);
  bool has_backlog() const noexcept { return !backlog_.empty(); }
  // A command of the connection's own, whose answer is only waited for.
  void fill_own(std::string& out, command const& c);

  // Bytes from the server: completes what they answer. False: they are no answers (`problem`), or one that nobody
  // asked for; nothing more can be read. A coroutine that goes on in here may push, give up and `take_all`.
  bool feed(std::string_view bytes);
  std::string const& problem() const noexcept { return problem_; }
  bool too_large() const noexcept { return parser_.too_large(); }

  // The request is not waited for any more; its answer will be dropped. Does not complete it.
  void give_up(request& r) noexcept;
  // Everything that is still waiting, in order; then the pipeline is empty and takes nothing in any more.
  request_list take_all() noexcept;

  std::size_t load() const noexcept { return backlog_.size() + flight_.size(); }
  bool awaits_answers() const noexcept { return !flight_.empty(); }
  std::uint64_t answered() const noexcept { return first_position_; }  // places, since the beginning
  // The first whose time is over, or null.
  request* late(request::clock::time_point now) noexcept;
  // The one whose answer comes next; null: nobody waits for it, or nothing is awaited.
  request* front() noexcept { return flight_.empty() ? nullptr : flight_.front().who; }

 private:
  struct place {
    request* who;           // null: given up, or the connection's own
    std::uint32_t answers;  // that are still to come
  };
  void take(reply&& answer);

  reply_parser parser_;
  request_list backlog_;
  std::deque<place> flight_;
  std::uint64_t first_position_ = 0;
  std::string problem_;
  bool closed_ = false;
};

}  // namespace slipway::redis
