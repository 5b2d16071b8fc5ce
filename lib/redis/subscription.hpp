// Messages of channels. Redis forgets a message as soon as it has told those who listen at that moment; where somebody
// did not listen, because the connection was lost or because the reader was too slow, a gap is told in its place, so
// that the reader can fetch what it missed from where it is kept.
//
//   auto news = co_await cache.subscribe({"news"});
//   for (;;) {
//     auto event = co_await news.next();
//     if (event.what == pub_sub_event::kind::gap) co_await read_everything_again();
//     else show(event.payload);
//   }
#pragma once

#include <slipway/core/task.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::redis {

class part;
struct naming;

struct pub_sub_event {
  enum class kind : std::uint8_t { message, gap };
  kind what = kind::message;
  std::string channel, payload;
  std::string pattern;     // that the channel matched; empty: it was subscribed by its name
  std::uint64_t lost = 0;  // of a gap: messages that found the queue full; zero: the connection was away
};

struct subscription_options {
  std::size_t queue = 1024;  // messages that may wait to be read; then the oldest go
};

class subscriber;

// On the shard that made it. Ends with the object.
class subscription {
 public:
  explicit subscription(std::shared_ptr<subscriber> behind) noexcept : behind_{std::move(behind)} {}
  subscription(subscription&&) noexcept = default;
  subscription& operator=(subscription&& other) noexcept;
  ~subscription();

  // One reader at a time. Throws cancelled_error, and unavailable_error when the client is closed.
  task<pub_sub_event> next();
  // From now on, also this one. Does not wait for the server.
  void add(std::string channel);
  void remove(std::string const& channel);

 private:
  std::shared_ptr<subscriber> behind_;
};

// Opens one and waits until the server has confirmed all of it. Throws unavailable_error.
task<subscription> open_subscription(part& on, std::vector<std::string> channels, std::vector<std::string> patterns,
                                     subscription_options options);

}  // namespace slipway::redis
