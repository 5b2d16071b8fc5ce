// A real server on a real socket: what a request is answered with.
#include "service.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <thread>

using namespace slipway::http;
using namespace slipway::http::tests;

namespace {

// Dates differ from second to second.
std::string without_dates(std::string text) {
  for (std::size_t at = 0; (at = text.find("Date: ", at)) != std::string::npos;)
    text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

}  // namespace

TEST(server, answers_keeps_alive_and_runs_layers) {
  service s;
  client c{s.address()};
  for (int i = 0; i < 3; ++i) {
    auto const a = c.ask(get("/plain"));
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.body, "Hello, World!");
    EXPECT_TRUE(a.has("X-Layer: yes"));
    EXPECT_FALSE(a.has("Connection:"));
  }
  EXPECT_EQ(c.ask(get("/n/a%20b")).body, "a b");
  EXPECT_EQ(c.ask(get("/none")).status, 204);
  EXPECT_EQ(c.ask(get("/throw")).body, "exception");
  EXPECT_EQ(c.ask(get("/nothing")).status, 404);
  EXPECT_EQ(c.ask(get("/plain", "X-Stop: 1\r\n")).status, 403);
  auto const wrapped = c.ask(get("/wrapped"));
  EXPECT_TRUE(wrapped.has("X-Wrapped: yes")) << wrapped.head;
  EXPECT_EQ(s.layer.befores, 9);
  EXPECT_EQ(s.layer.afters, 9);
  auto const n = s.http->counters();
  EXPECT_EQ(n.requests, 9u);
  EXPECT_EQ(n.accepted, 1u);
  EXPECT_EQ(n.in_flight, 0u);
}

TEST(server, a_head_that_cannot_be_read_passes_the_layers_that_see_such_up_to_the_first_that_does_not) {
  watching_layer outermost, behind;
  service::options o;
  o.outer = {&outermost};
  service s{o};
  auto const refused = client{s.address()}.ask("GARBAGE\r\n\r\n");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, "error page");
  EXPECT_TRUE(refused.has("X-Watched: yes"));
  EXPECT_FALSE(refused.has("X-Layer"));
  EXPECT_EQ(outermost.unreadable, 1);
  EXPECT_EQ(s.layer.befores, 0);

  counting_layer first;
  service::options other;
  other.outer = {&first, &behind};
  service t{other};
  EXPECT_EQ(client{t.address()}.ask("GARBAGE\r\n\r\n").status, 400);
  EXPECT_EQ(first.befores, 0);
  EXPECT_EQ(behind.unreadable, 0) << "it stands behind one that does not look";
}

TEST(server, a_layer_that_fails_at_a_head_that_cannot_be_read_is_an_error_of_ours) {
  watching_layer outermost, fails{true}, never;
  service::options o;
  o.outer = {&outermost, &fails, &never};
  service s{o};
  client c{s.address()};
  auto const answer = c.ask("GARBAGE\r\n\r\n");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "exception");
  EXPECT_TRUE(answer.has("Connection: close")) << "there is no telling where the next request begins";
  EXPECT_EQ(never.unreadable, 0);
  EXPECT_EQ(client{s.address()}.ask(get("/plain")).status, 200);
}

TEST(server, methods) {
  service s;
  client c{s.address()};
  c.send("HEAD /plain HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(c.read(true).has("Content-Length: 13"));
  c.send("HEAD /chunked HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(c.read(true).has("Transfer-Encoding: chunked"));
  auto const wrong = c.ask("DELETE /plain HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_TRUE(wrong.has("Allow: GET, HEAD, OPTIONS"));
  auto const options = c.ask("OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_TRUE(options.has("Allow: POST, OPTIONS"));
  EXPECT_EQ(c.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 204);
  EXPECT_EQ(c.ask("BREW /plain HTTP/1.1\r\nHost: a\r\n\r\n").status, 501);
  EXPECT_EQ(c.ask("GET http://b/plain HTTP/1.1\r\nHost: a\r\n\r\n").body, "Hello, World!");
}

TEST(server, pipelines_however_the_bytes_are_cut) {
  service s;
  auto const all = get("/plain") + post("/echo", "hello world") +
                   "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("hello chunks", 5) +
                   get("/n/42?x=1") + post("/upload", pattern(20)) + get("/wrapped") + get("/plain");
  auto const read_all = [](client& c) {
    std::string out;
    for (int i = 0; i < 7; ++i) {
      auto const a = c.read();
      out += a.head + a.body;
    }
    return without_dates(out);
  };
  client first{s.address()};
  first.send(all);
  auto const expected = read_all(first);
  EXPECT_NE(expected.find("hello chunks"), std::string::npos);
  EXPECT_NE(expected.find("20 0"), std::string::npos) << expected;
  client c{s.address()};
  for (std::size_t i = 1; i < all.size(); ++i) {
    c.send(all.substr(0, i));
    c.send(all.substr(i));
    ASSERT_EQ(read_all(c), expected) << i;
  }
  for (char byte : all) c.send({&byte, 1});
  EXPECT_EQ(read_all(c), expected);
}

TEST(server, a_deep_pipeline_neither_deadlocks_nor_loses) {
  service s;
  client c{s.address()};
  constexpr int depth = 20'000;
  std::jthread sending{[&] {
    std::string all;
    for (int i = 0; i < depth; ++i) all += get("/n/" + std::to_string(i));
    c.send(all);
  }};
  for (int i = 0; i < depth; ++i) ASSERT_EQ(c.read().body, std::to_string(i));
}

// Full reads one after the other, and the end already told while the first requests were answered.
TEST(server, a_flood_is_answered_to_its_end) {
  service s;
  std::string flood;
  constexpr int count = 40'000;  // some hundred times the input that is read at once
  for (int i = 0; i < count; ++i) flood += get("/plain");
  client c{s.address()}, other{s.address()};
  std::jthread const sending{[&] {
    EXPECT_TRUE(c.send(flood));
    c.end_sending();
  }};
  EXPECT_EQ(c.read().status, 200);
  EXPECT_EQ(other.ask(get("/plain")).status, 200) << "others have their turn";
  for (int i = 1; i < count; ++i) ASSERT_EQ(c.read().status, 200) << i;
  EXPECT_TRUE(c.closed());
}

TEST(server, bodies_of_every_size) {
  service s;
  client c{s.address()};
  for (std::size_t size : {0, 1, 100, 8'000, 8'192, 20'000, 65'536, 300'000, 1 << 20}) {
    auto const body = pattern(size);
    EXPECT_EQ(c.ask(post("/echo", body)).body, body) << size;
    c.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 4'093) +
           get("/plain"));
    EXPECT_EQ(c.read().body, body) << size;
    EXPECT_EQ(c.read().body, "Hello, World!");
  }
  EXPECT_EQ(c.ask(get("/large")).body, pattern(3'000'000));
}

TEST(server, continues_only_when_the_body_is_wanted) {
  service s;
  client c{s.address()};
  std::string const head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n";
  c.send(head + "\r\n");
  EXPECT_EQ(c.take_through("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("abcde");
  EXPECT_EQ(c.read().body, "abcde");
  c.send(head + "\r\nabcde");  // it did not wait: no need to tell it to
  EXPECT_EQ(c.read().body, "abcde");
  c.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(c.read().status, 100);
  c.send(pattern(3));
  EXPECT_EQ(c.read().body, "3 0");

  client refused{s.address()};
  auto const a = refused.ask(head + "X-Stop: 1\r\n\r\n");
  EXPECT_EQ(a.status, 403);
  EXPECT_TRUE(a.has("Connection: close"));
  refused.end_sending();
  EXPECT_TRUE(refused.closed());
  EXPECT_EQ(client{s.address()}.ask("GET /plain HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n").status, 417);
}

TEST(server, http_1_0) {
  service s;
  client c{s.address()};
  c.send("GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(c.read().has("Connection: keep-alive"));
  c.send("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto const a = c.read();
  EXPECT_FALSE(a.has("Transfer-Encoding"));
  EXPECT_EQ(a.body.size(), 20'000'000u);
  client d{s.address()};
  EXPECT_EQ(d.ask("GET /plain HTTP/1.0\r\n\r\n").body, "Hello, World!");
  EXPECT_TRUE(d.closed());
  EXPECT_EQ(client{s.address()}.ask("POST /echo HTTP/1.0\r\n\r\n").status, 411);
}

TEST(server, refuses_with_the_right_status_and_closes) {
  service::options o;
  o.settings.hosts = {"a", "example.org"};
  o.settings.max_fields = 8;
  service s{o};
  auto const status = [&](std::string const& text) {
    client c{s.address()};
    auto const a = c.ask(text);
    EXPECT_TRUE(a.has("Connection: close")) << a.head;
    EXPECT_EQ(a.body, "error page");
    c.end_sending();
    EXPECT_TRUE(c.closed());
    return a.status;
  };
  EXPECT_EQ(status("GARBAGE\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(status("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400);
  EXPECT_EQ(status("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"), 413);
  EXPECT_EQ(status("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(pattern(500), 5)),
            413);
  EXPECT_EQ(status("GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
  EXPECT_EQ(status(get("/plain", "A: " + std::string(20'000, 'x') + "\r\n")), 431);
  EXPECT_EQ(status(get("/plain", "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n")), 431);
  EXPECT_EQ(status("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501);
  EXPECT_EQ(status("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
  EXPECT_EQ(status("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505);
  client c{s.address()};
  EXPECT_EQ(c.ask("GET /plain HTTP/1.1\r\nHost: b\r\n\r\n").status, 421);
  EXPECT_EQ(c.ask("GET /plain HTTP/1.1\r\nHost: EXAMPLE.org:8080\r\n\r\n").status, 200);
}

// What was read of an earlier body says nothing of the next one, which the client may not send any more.
TEST(server, a_client_that_was_not_told_to_go_on_is_closed_on_whatever_came_before) {
  service s;
  client c{s.address()};
  c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  std::this_thread::sleep_for(std::chrono::milliseconds{20});  // in two pieces, whichever way they come
  EXPECT_EQ(c.ask("67890").status, 200);
  auto const refused =
      c.ask("POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 60000\r\n\r\n");
  EXPECT_EQ(refused.status, 404);
  EXPECT_TRUE(refused.has("Connection: close")) << refused.head;
}

// A client that writes all of its body before it reads must not lose the answer to a reset.
TEST(server, a_body_much_too_large_is_read_to_its_end_for_nobody) {
  service s;
  auto const body = pattern(40 << 20);
  client counted{s.address()};
  EXPECT_TRUE(counted.send(post("/echo", body)));
  EXPECT_EQ(counted.read().status, 413);
  client in_chunks{s.address()};
  EXPECT_TRUE(
      in_chunks.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 65'536)));
  EXPECT_EQ(in_chunks.read().status, 413);
  EXPECT_EQ(client{s.address()}.ask(get("/plain")).status, 200);
}

TEST(server, a_refused_client_that_goes_on_sending_is_let_go_when_the_server_stops) {
  service s;
  client c{s.address()};
  ASSERT_TRUE(c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"));
  EXPECT_EQ(c.read().status, 413);
  std::jthread const endless{[&] {
    while (c.send(std::string(65'536, 'x'))) {}
  }};
  s.http.reset();
}

TEST(server, half_closed_clients_are_answered) {
  service s;
  for (auto path : {"/plain", "/pause", "/large"})
    for (int i = 0; i < 5; ++i) {
      client c{s.address()};
      c.send(get(path));
      c.end_sending();
      EXPECT_EQ(c.read().status, 200) << path;
      EXPECT_TRUE(c.closed());
    }
}

TEST(server, unread_bodies_are_dropped_or_end_the_connection) {
  service s;
  client c{s.address()};
  c.send(post("/ignore", pattern(60'000)));
  EXPECT_EQ(c.read().body, "ignored");
  EXPECT_EQ(c.ask(get("/plain")).body, "Hello, World!");
  c.send(post("/nothing", pattern(1'000)) + get("/plain"));
  EXPECT_EQ(c.read().status, 404);
  EXPECT_EQ(c.read().status, 200);
  c.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
  EXPECT_TRUE(c.read().has("Connection: close"));
}

TEST(server, a_suspended_handler_holds_up_no_earlier_answer) {
  service s;
  client c{s.address()};
  c.send(get("/n/1") + get("/wait"));
  EXPECT_EQ(c.read().body, "1");
}
