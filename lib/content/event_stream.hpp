// Server-sent events (WHATWG HTML, section 9.2): one hub, topics, many subscribers, each with its own bounded queue.
// It is of this process alone: what another process publishes is not heard here.
#pragma once

#include <slipway/http/message.hpp>
#include <slipway/runtime/shards.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

struct server_event {
  std::string_view data;                           // any lines; sent as one field for each
  std::string_view event;                          // the type; empty: "message"
  std::string_view id;                             // what the browser sends back as Last-Event-ID
  std::optional<std::chrono::milliseconds> retry;  // how long the browser waits before it comes back
};

// As it goes over the wire. Throws std::invalid_argument when the type or id holds a line end or a NUL: it would be
// read as another field.
std::string to_wire(server_event const& e);

struct event_settings {
  std::size_t queue_events = 256;  // for each subscriber; one that falls further behind is dropped
  std::size_t queue_bytes = 256 * 1024;
  std::size_t subscribers = 10'000;             // for each shard; more get unavailable_error (503)
  std::size_t subscribers_of_topic = 10'000;    // of these; more get unavailable_error too
  std::size_t history = 128;                    // events kept, of all topics, so that who comes back misses none
  std::size_t history_bytes = 4 << 20;          // and how many bytes of them
  std::chrono::milliseconds heartbeat{15'000};  // a comment after so long without an event: proxies keep it open
  // Sent when Last-Event-ID is no longer in the history, and as the last word to who is too slow: what was shown must
  // be read anew. Empty: nothing.
  std::string missed_event = "reset";
  std::string ended_event = "end";  // the last word of a stream that is ended on purpose; empty: nothing
  std::optional<std::chrono::milliseconds> retry{};  // sent first: how long to wait before coming back
};

struct subscription {
  std::string_view last_event_id{};  // begins behind that one; empty: with the next event
  std::string topic{};               // hears what is published to this topic alone
  std::string holder{};              // whom `end` asks about, such as a session
  std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max();  // ends then
};

class event_hub {
 public:
  struct counters {
    std::uint64_t subscribers = 0, published = 0, dropped_slow = 0;
  };

  event_hub(shards& on, event_settings settings = {});
  event_hub(event_hub const&) = delete;
  event_hub& operator=(event_hub const&) = delete;
  // Every subscriber's exchange must have ended: stop the server first.
  ~event_hub();

  // To every subscriber of the topic, on every shard. All of them see all events in one order, in which those of one
  // thread keep theirs. From any thread. Throws as to_wire.
  void publish(server_event const& e, std::string_view topic = {});
  // Only on a shard, for that shard.
  std::unique_ptr<http::body_source> subscribe(subscription s = {});
  // Ends the topic's streams whose holder is one of those, behind what is queued. From any thread; `whose` is called
  // on every shard.
  void end(std::string_view topic, std::function<bool(std::string_view holder)> whose);
  // Ends every stream after what is queued: before the server drains. Later subscribers get an empty stream.
  void close();
  counters count() const noexcept;

  struct impl;

 private:
  std::shared_ptr<impl> impl_;
};

// Last-Event-ID, or "" when it is absent, longer than 256 bytes, or not text.
std::string_view last_event_id(http::request const& r) noexcept;
// Answers with the stream: text/event-stream that nobody on the way may keep or buffer.
void answer_events(http::exchange& x, std::unique_ptr<http::body_source> stream);

}  // namespace slipway::content
