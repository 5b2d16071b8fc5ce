#include <slipway/content/event_stream.hpp>
#include <slipway/core/errors.hpp>

#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

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
  auto stream = hub.subscribe({.last_event_id = from});
  ready.count_down();
  co_return std::string{co_await stream->next()};
}

task<std::string> read_all(event_hub& hub, std::string from) {
  auto stream = hub.subscribe({.last_event_id = from});
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
  EXPECT_EQ(s.run(drain(*slow)), "event: reset\ndata: \n\n") << "it is told so, and its stream ends";
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

task<std::string> read_topic(event_hub& hub, subscription what) {
  auto stream = hub.subscribe(std::move(what));
  co_return co_await drain(*stream);
}

// Reads a topic on a shard of its own until the stream ends.
struct listener {
  listener(shards& s, unsigned at, event_hub& hub, subscription what) {
    s[at].spawn([](event_hub& h, subscription w, std::string& out, std::latch& d) -> task<> {
      out = co_await read_topic(h, std::move(w));
      d.count_down();
    }(hub, std::move(what), text, done));
    settle(s);
  }
  std::string wait() {
    done.wait();
    return text;
  }
  std::string text;
  std::latch done{1};
};

TEST(events, are_heard_by_their_topic_alone) {
  shards s{2};
  event_hub hub{s, {.retry = std::chrono::seconds{2}}};
  listener ada{s, 0, hub, {.topic = "ada"}}, bob{s, 1, hub, {.topic = "bob"}}, ada_too{s, 1, hub, {.topic = "ada"}};
  hub.publish({.data = "1"}, "ada");
  hub.publish({.data = "2"}, "bob");
  hub.publish({.data = "3"}, "ada");
  hub.publish({.data = "4"});
  hub.close();
  EXPECT_EQ(ada.wait(), "retry: 2000\n\ndata: 1\n\ndata: 3\n\n");
  EXPECT_EQ(ada_too.wait(), "retry: 2000\n\ndata: 1\n\ndata: 3\n\n");
  EXPECT_EQ(bob.wait(), "retry: 2000\n\ndata: 2\n\n");
  settle(s);
  EXPECT_EQ(hub.count().subscribers, 0u);
}

TEST(events, resume_within_their_topic) {
  shards s{1};
  event_hub hub{s};
  for (auto const* id : {"1", "2", "3", "4"}) hub.publish({.data = id, .id = id}, *id % 2 == 0 ? "even" : "odd");
  settle(s);
  listener odd{s, 0, hub, {.last_event_id = "1", .topic = "odd"}};
  listener foreign{s, 0, hub, {.last_event_id = "2", .topic = "odd"}};
  hub.close();
  EXPECT_EQ(odd.wait(), "id: 3\ndata: 3\n\n");
  EXPECT_EQ(foreign.wait(), "event: reset\ndata: \n\n") << "an id of another topic tells nothing of it";
}

TEST(events, streams_are_ended_by_holder_and_by_time) {
  shards s{2};
  event_hub hub{s};
  listener one{s, 0, hub, {.topic = "ada", .holder = "one"}}, two{s, 1, hub, {.topic = "ada", .holder = "two"}};
  listener late{s, 0, hub, {.topic = "ada", .until = std::chrono::steady_clock::now()}};
  EXPECT_EQ(late.wait(), "event: end\ndata: \n\n");
  hub.publish({.data = "1"}, "ada");
  hub.end("bob", [](auto) { return true; });
  hub.end("ada", [](auto holder) { return holder == "one"; });
  hub.publish({.data = "2"}, "ada");
  EXPECT_EQ(one.wait(), "data: 1\n\nevent: end\ndata: \n\n");
  hub.close();
  EXPECT_EQ(two.wait(), "data: 1\n\ndata: 2\n\n");
}

TEST(events, everybody_sees_one_order) {
  shards s{3};
  event_hub hub{s};
  std::vector<std::unique_ptr<listener>> all;
  for (unsigned i = 0; i < 3; ++i) all.push_back(std::make_unique<listener>(s, i, hub, subscription{.topic = "t"}));
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < 4; ++w)
      writers.emplace_back([&hub, w] {
        for (int i = 0; i < 50; ++i) hub.publish({.data = std::to_string(w * 100 + i)}, "t");
      });
  }
  hub.close();
  auto const first = all[0]->wait();
  EXPECT_EQ(std::ranges::count(first, 'd'), 200);
  EXPECT_EQ(all[1]->wait(), first);
  EXPECT_EQ(all[2]->wait(), first);
}

TEST(events, subscribers_and_history_are_bounded_by_topic_and_bytes) {
  shards s{1};
  event_hub hub{s, {.subscribers_of_topic = 2, .history_bytes = 100}};
  s.on_each([&](shard&) {
    auto one = hub.subscribe({.topic = "ada"}), other = hub.subscribe({.topic = "ada"});
    EXPECT_THROW((void)hub.subscribe({.topic = "ada"}), unavailable_error);
    EXPECT_NO_THROW((void)hub.subscribe({.topic = "bob"}));
  });
  for (auto const* id : {"1", "2", "3"}) hub.publish({.data = std::string(30, 'x'), .id = id});
  settle(s);
  listener old{s, 0, hub, {.last_event_id = "1"}}, fresh{s, 0, hub, {.last_event_id = "2"}};
  hub.close();
  EXPECT_EQ(old.wait(), "event: reset\ndata: \n\n");
  EXPECT_THAT(fresh.wait(), testing::StartsWith("id: 3\n"));
}

}  // namespace
}  // namespace slipway::content
