// A real server on a real socket: time-outs, limits, streams, cancellation and stopping.
#include "service.hpp"

#include <gtest/gtest.h>

#include <thread>

using namespace slipway::http;
using namespace slipway::http::tests;
using namespace std::chrono_literals;

TEST(limits, slow_clients) {
  service::options o;
  o.settings.head_timeout = 150ms;
  o.settings.body_timeout = 150ms;
  o.settings.idle_timeout = 150ms;
  service s{o};
  client idle{s.address()}, head{s.address()}, drip{s.address()}, body{s.address()}, stream{s.address()};
  head.send("GET / HT");
  body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  stream.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  // A byte now and then does not make a head arrive any earlier.
  std::jthread dripping{[&](std::stop_token stop) {
    while (!stop.stop_requested() && drip.send("a")) std::this_thread::sleep_for(20ms);
  }};
  EXPECT_EQ(idle.until_closed(), "");
  EXPECT_EQ(head.read().status, 408);
  EXPECT_EQ(drip.read().status, 408);
  EXPECT_EQ(body.read().status, 408);
  EXPECT_EQ(stream.read().status, 408);
  dripping.request_stop();
  EXPECT_GE(s.http->counters().timed_out, 4u);
}

// The rest of a body that nobody wants holds a connection, and a place among the requests in flight.
TEST(limits, what_a_handler_left_unread_comes_in_time_or_ends_the_connection) {
  service::options o;
  o.settings.body_timeout = 300ms;
  service s{o};
  for (auto path : {"/nowhere", "/ignore"}) {
    client c{s.address()};
    c.send("POST " + std::string{path} + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
    EXPECT_LT(c.read().status, 500);
    // Each byte comes in time, and the thousandth would after fifty seconds.
    std::atomic<bool> ended{false};
    std::jthread dripping{[&] {
      while (!ended && c.send("a")) std::this_thread::sleep_for(50ms);
    }};
    EXPECT_EQ(c.until_closed(), "") << path;
    ended = true;
  }
}

TEST(limits, a_peer_that_does_not_read) {
  service::options o;
  o.settings.write_timeout = 200ms;
  service s{o};
  client c{s.address()};
  int const small = 4'096;
  ::setsockopt(c.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  c.send(get("/chunked"));
  for (int i = 0; i < 200 && s.http->counters().open != 0; ++i) std::this_thread::sleep_for(50ms);
  EXPECT_EQ(s.http->counters().open, 0u);
  // Back-pressure: the source was not read to its end into memory.
  EXPECT_LT(s.pulled, 15'000'000u);
}

// It reads on and on, each time before it would be called idle, and far slower than it must.
TEST(limits, a_peer_that_reads_too_slowly) {
  auto const takes_all = [](std::size_t rate, std::string_view path, std::chrono::milliseconds timeout = 3s,
                            std::size_t enough = 12'000'000) {
    service::options o;
    o.settings.write_timeout = timeout;  // in which it must have read a third of what the kernel holds for it
    o.settings.write_rate = rate;
    service s{o};
    client c{s.address()};
    int const small = 16'384;
    ::setsockopt(c.descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    c.send(get(path));
    std::size_t total = 0;
    char piece[65'536];
    auto const began = std::chrono::steady_clock::now();
    for (;;) {
      auto const n = ::recv(c.descriptor(), piece, sizeof piece, 0);
      if (n <= 0) break;
      total += static_cast<std::size_t>(n);
      if (total > enough) return true;
      std::this_thread::sleep_until(began + std::chrono::microseconds{total / 10});  // ten megabytes a second
    }
    EXPECT_EQ(s.http->counters().timed_out, 1u);
    return false;
  };
  EXPECT_FALSE(takes_all(100'000'000, "/chunked", 300ms));
  EXPECT_FALSE(takes_all(100'000'000, "/counted", 300ms));
  // What the kernel takes at once, which is megabytes, does not count as read.
  EXPECT_FALSE(takes_all(15'000'000, "/counted", 300ms, 19'900'000));
  EXPECT_TRUE(takes_all(100'000'000, "/open-ended"));
  EXPECT_TRUE(takes_all(0, "/chunked"));
  EXPECT_TRUE(takes_all(1'000, "/chunked")) << "ten megabytes a second are more than a kilobyte a second";
}

TEST(limits, deadlines_reach_handlers) {
  service::options o;
  o.time_limit = 150ms;
  service s{o};
  client c{s.address()};
  EXPECT_EQ(c.ask(get("/wait")).status, 503);
  EXPECT_TRUE(s.waiting.becomes(3));
  EXPECT_EQ(c.ask(get("/plain")).status, 200);
  client slow{s.address()};
  slow.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(slow.read().status, 503);
}

TEST(limits, the_deadline_of_a_request_is_not_that_of_the_one_behind_it) {
  service::options o;
  o.time_limit = 150ms;
  service s{o};
  client c{s.address()};
  c.send(get("/wait") + get("/nap") + get("/nap"));
  EXPECT_EQ(c.read().status, 503);
  EXPECT_EQ(c.read().body, "awake");
  EXPECT_EQ(c.read().body, "awake");
}

TEST(limits, a_client_that_goes_cancels_its_handler) {
  service s;
  for (bool hard : {false, true}) {
    client c{s.address()};
    c.send(get("/wait"));
    ASSERT_TRUE(s.waiting.becomes(1));
    std::this_thread::sleep_for(300ms);  // later than a half-close
    hard ? c.reset() : c.close();
    EXPECT_TRUE(s.waiting.becomes(2));
    s.waiting.set(0);
  }
  client c{s.address()};
  c.send(get("/events"));
  EXPECT_EQ(c.read(true).status, 200);
  EXPECT_EQ(c.take_through("\n\n"), "e\r\nevent: hello\n\n");
  ASSERT_TRUE(s.waiting.becomes(1));
  std::this_thread::sleep_for(300ms);
  c.close();
  EXPECT_TRUE(s.waiting.becomes(2));
}

TEST(limits, connections) {
  service::options o;
  o.settings.max_connections = 2;
  service s{o};
  client first{s.address()}, second{s.address()};
  EXPECT_EQ(first.ask(get("/plain")).status, 200);
  second.send(get("/wait"));
  ASSERT_TRUE(s.waiting.becomes(1));
  client third{s.address()};  // the first, idle, makes room
  EXPECT_TRUE(first.closed());
  third.send(get("/wait"));
  for (int i = 0; i < 200 && s.http->counters().in_flight != 2; ++i) std::this_thread::sleep_for(10ms);
  client fourth{s.address()};
  auto const refused = fourth.read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.has("Content-Type: application/problem+json"));
  EXPECT_TRUE(refused.body.ends_with("\"code\":\"unavailable\"}")) << refused.body;
  EXPECT_EQ(s.http->counters().refused, 1u);
}

// More come at once than there is room for, while those that are idle have been told to go and have not gone yet.
TEST(limits, each_idle_connection_makes_room_for_one_newcomer_alone) {
  constexpr std::size_t most = 20, newcomers = 60;
  service::options o;
  o.settings.max_connections = most;
  service s{o};
  std::vector<std::unique_ptr<client>> all;
  for (std::size_t i = 0; i < most; ++i) {
    all.push_back(std::make_unique<client>(s.address()));
    EXPECT_EQ(all.back()->ask(get("/plain")).status, 200);
  }
  s.hold_loop([&] {
    for (std::size_t i = 0; i < newcomers; ++i) all.push_back(std::make_unique<client>(s.address()));
  });
  for (int i = 0; i < 500 && s.http->counters().accepted != most + newcomers; ++i) std::this_thread::sleep_for(10ms);
  for (int i = 0; i < 500 && s.http->counters().open > most; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_LE(s.http->counters().open, most);
}

TEST(limits, requests_in_flight) {
  service::options o;
  o.settings.max_in_flight = 1;
  service s{o};
  client first{s.address()}, second{s.address()};
  first.send(get("/wait"));
  ASSERT_TRUE(s.waiting.becomes(1));
  auto const a = second.ask(get("/plain"));
  EXPECT_EQ(a.status, 503);
  EXPECT_TRUE(a.has("Retry-After: 1"));
}

TEST(streams, up_with_back_pressure) {
  service s;
  s.hold_upload = true;
  client c{s.address()};
  constexpr std::size_t size = 60'000'000;
  std::atomic<std::size_t> sent{0};
  std::jthread sending{[&] {
    auto const body = pattern(size);
    c.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    for (std::size_t at = 0; at < size; at += 100'000) {
      c.send(std::string_view{body}.substr(at, 100'000));
      sent = at;
    }
  }};
  // The kernel's buffers fill, and then the client waits.
  std::size_t before = 0;
  do {
    before = sent;
    std::this_thread::sleep_for(300ms);
  } while (sent != before);
  EXPECT_LT(sent, size / 2);
  s.hold_upload = false;
  EXPECT_EQ(c.read().body, std::to_string(size) + " 0");
}

TEST(streams, up_in_chunks_and_with_a_following_request) {
  service s;
  client c{s.address()};
  auto const body = pattern(1'000'000);
  c.send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 7'777) +
         get("/plain"));
  EXPECT_EQ(c.read().body, "1000000 0");
  EXPECT_EQ(c.read().body, "Hello, World!");
  c.send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  c.end_sending();
  EXPECT_EQ(c.until_closed(), "");
}

TEST(streams, down) {
  service s;
  auto const expected = pattern(20'000'000);
  client c{s.address()};
  for (auto path : {"/counted", "/chunked"}) {
    auto const a = c.ask(get(path));
    EXPECT_EQ(a.body.size(), expected.size());
    EXPECT_TRUE(a.body == expected);
  }
  EXPECT_EQ(c.ask(get("/plain")).status, 200);
}

TEST(streams, one_that_fails_ends_the_connection_before_the_end) {
  service s;
  client c{s.address()};
  c.send(get("/broken"));
  auto const all = c.until_closed();
  EXPECT_EQ(all.find("0\r\n\r\n"), std::string::npos);
  EXPECT_TRUE(s.broken_stream.becomes("/broken: the disk burns"));
}

TEST(stopping, under_load_loses_no_request) {
  service::options o;
  o.shards = 2;
  service s{o};
  auto const address = s.address();
  std::atomic<int> answered{0}, lost{0};
  std::atomic<bool> stopping{false};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i)
      clients.emplace_back([&, i] {
        for (;;) {
          // The system may complete a connection that comes while the listener closes, and nobody ever takes it.
          bool is_refusal = false;
          try {
            client c{address};
            bool is_new = true;
            for (;;) {
              if (!c.send(get(i % 2 == 0 ? "/plain" : "/pause"))) throw std::runtime_error{"send"};
              is_refusal = stopping && is_new;
              auto const a = c.read();
              is_refusal = is_new = false;
              EXPECT_EQ(a.status, 200);
              ++answered;
              if (a.has("Connection: close")) break;
            }
          } catch (std::runtime_error const& error) {
            // Refused connections are what stopping is about; a request that was taken and not answered is not.
            if (is_refusal || std::string_view{error.what()}.starts_with("connect")) return;
            ++lost;
            return;
          }
        }
      });
    std::this_thread::sleep_for(500ms);
    stopping = true;
    EXPECT_EQ(s.http->stop(), 0u);
  }
  EXPECT_GT(answered, 8);
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(s.http->counters().open, 0u);
}

TEST(stopping, leaves_the_delay_to_the_application) {
  service::options o;
  o.settings.drain_delay = 5s;
  service s{o};
  auto const began = std::chrono::steady_clock::now();
  EXPECT_EQ(s.http->stop(), 0u);
  EXPECT_LT(std::chrono::steady_clock::now() - began, o.settings.drain_delay);
}

TEST(stopping, cancels_what_is_left_at_the_limit) {
  service::options o;
  o.settings.drain_limit = 200ms;
  service s{o};
  client c{s.address()}, idle{s.address()};
  c.send(get("/wait"));
  ASSERT_TRUE(s.waiting.becomes(1));
  EXPECT_EQ(s.http->stop(), 1u);
  EXPECT_TRUE(s.waiting.becomes(4));
  auto const a = c.read();
  EXPECT_EQ(a.status, 503);
  EXPECT_TRUE(a.has("Connection: close"));
  EXPECT_TRUE(idle.closed());
}
