#include <slipway/content/event_stream.hpp>
#include <slipway/core/errors.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <latch>

namespace slipway::content {
namespace {

TEST(events, on_the_wire) {
  EXPECT_EQ(to_wire({.data = "x"}), "data: x\n\n");
  EXPECT_EQ(to_wire({.data = ""}), "data: \n\n");
  EXPECT_EQ(to_wire({.data = "a\nb\r\nc\rd", .event = "note", .id = "7", .retry = std::chrono::seconds{2}}),
            "retry: 2000\nid: 7\nevent: note\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(to_wire({.data = "a\n"}), "data: a\ndata: \n\n");
  for (auto bad : {std::string{"a\nb"}, std::string{"a\r"}, std::string{"\0", 1}}) {
    EXPECT_THROW(to_wire({.data = "x", .event = bad}), std::invalid_argument);
    EXPECT_THROW(to_wire({.data = "x", .id = bad}), std::invalid_argument);
  }
  EXPECT_THROW(to_wire({.data = std::string_view{"\0", 1}}), std::invalid_argument);
}

TEST(events, last_event_id_is_checked) {
  call good{http::method::get, {{"Last-Event-ID", "42"}}};
  EXPECT_EQ(last_event_id(good.x.request), "42");
  std::string const longer(300, 'x');
  call bad{http::method::get, {{"Last-Event-ID", longer}}};
  EXPECT_EQ(last_event_id(bad.x.request), "");
  call none;
  EXPECT_EQ(last_event_id(none.x.request), "");
  call answer;
  answer_events(answer.x, std::make_unique<scripted_body>(std::vector<std::string>{"x"}));
  EXPECT_EQ(answer.x.response.content_type, "text/event-stream");
  EXPECT_EQ(answer.sent("Cache-Control"), "no-store");
}

// Lets everything that was posted to the shards run.
void settle(shards& s) {
  s.on_each([](shard&) {});
}

task<std::string> read_one(event_hub& hub, std::string from, std::latch& ready) {
  auto stream = hub.subscribe(from);
  ready.count_down();
  co_return std::string{co_await stream->next()};
}

task<std::string> read_all(event_hub& hub, std::string from) {
  auto stream = hub.subscribe(from);
  co_return co_await drain(*stream);
}

TEST(events, reach_every_shard_in_order) {
  shards s{2};
  event_hub hub{s};
  std::string got[2];
  std::latch done{2};
  for (unsigned i = 0; i < 2; ++i)
    s[i].spawn([](event_hub& h, std::string& out, std::latch& d) -> task<> {
      out = co_await read_all(h, "");
      d.count_down();
    }(hub, got[i], done));
  settle(s);
  EXPECT_EQ(hub.count().subscribers, 2u);
  for (int i = 0; i < 5; ++i) hub.publish({.data = std::to_string(i)});
  hub.close();
  done.wait();
  for (auto const& text : got) EXPECT_EQ(text, "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n");
  settle(s);
  EXPECT_EQ(hub.count().subscribers, 0u);
  EXPECT_EQ(hub.count().published, 5u);
  EXPECT_EQ(s.run(read_all(hub, "")), "") << "closed";
}

TEST(events, resume_behind_the_last_one) {
  shards s{1};
  event_hub hub{s, {.history = 3}};
  for (auto id : {"1", "2", "3", "4"}) hub.publish({.data = id, .id = id});
  settle(s);
  std::latch ready{3};
  EXPECT_EQ(s.run(read_one(hub, "2", ready)), "id: 3\ndata: 3\n\nid: 4\ndata: 4\n\n");
  EXPECT_EQ(s.run(read_one(hub, "1", ready)), "event: reset\ndata: \n\n") << "fallen out of the history";
  EXPECT_EQ(s.run(read_one(hub, "unknown", ready)), "event: reset\ndata: \n\n");
}

TEST(events, slow_subscribers_are_dropped_and_counted) {
  shards s{1};
  event_hub hub{s, {.queue_events = 4}};
  std::unique_ptr<http::body_source> slow;
  s.on_each([&](shard&) { slow = hub.subscribe(); });
  for (int i = 0; i < 10; ++i) hub.publish({.data = "x"});
  settle(s);
  EXPECT_EQ(hub.count().dropped_slow, 1u);
  EXPECT_EQ(s.run(drain(*slow)), "") << "its stream ends";
  s.on_each([&](shard&) { slow.reset(); });
  EXPECT_EQ(hub.count().subscribers, 0u);

  event_hub bytes{s, {.queue_bytes = 100}};
  s.on_each([&](shard&) { slow = bytes.subscribe(); });
  bytes.publish({.data = std::string(200, 'x')});
  settle(s);
  EXPECT_EQ(bytes.count().dropped_slow, 1u);
  s.on_each([&](shard&) { slow.reset(); });
}

TEST(events, a_history_larger_than_the_queue_starts_anew) {
  shards s{1};
  event_hub hub{s, {.queue_events = 2, .history = 10}};
  for (int i = 0; i < 10; ++i) hub.publish({.data = "x", .id = std::to_string(i)});
  settle(s);
  std::latch ready{1};
  EXPECT_EQ(s.run(read_one(hub, "0", ready)), "event: reset\ndata: \n\n");
}

TEST(events, heartbeats_keep_the_connection_open) {
  shards s{1};
  event_hub hub{s, {.heartbeat = std::chrono::milliseconds{1}}};
  std::latch ready{1};
  EXPECT_EQ(s.run(read_one(hub, "", ready)), ":\n\n");
}

TEST(events, subscribers_are_bounded) {
  shards s{1};
  event_hub hub{s, {.subscribers = 1}};
  s.on_each([&](shard&) {
    auto one = hub.subscribe();
    EXPECT_THROW((void)hub.subscribe(), unavailable_error);
    one.reset();
    EXPECT_NO_THROW((void)hub.subscribe());
  });
}

TEST(events, a_client_that_leaves_is_forgotten) {
  shards s{1};
  event_hub hub{s};
  context operation;
  std::latch subscribed{1}, ended{1};
  cancel_reason why{};
  s[0].spawn(
      [](event_hub& h, std::latch& up, std::latch& down, cancel_reason& reason) -> task<> {
        std::latch unused{1};
        try {
          (void)co_await read_one(h, "", unused);
        } catch (cancelled_error const& e) {
          reason = e.why();
        }
        (void)up;
        down.count_down();
      }(hub, subscribed, ended, why),
      &operation);
  s[0].post([&] { subscribed.count_down(); });
  subscribed.wait();
  s[0].post([&] { operation.cancel(cancel_reason::client_gone); });
  ended.wait();
  EXPECT_EQ(why, cancel_reason::client_gone);
  hub.publish({.data = "into the void"});
  settle(s);
  EXPECT_EQ(hub.count().subscribers, 0u);
}

}  // namespace
}  // namespace slipway::content
