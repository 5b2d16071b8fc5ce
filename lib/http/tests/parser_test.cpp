#include <slipway/http/parser.hpp>

#include <gtest/gtest.h>

#include <string>

using namespace slipway::http;
using enum head_outcome;
using namespace std::string_view_literals;

namespace {

struct parsed {
  head_outcome outcome;
  std::size_t length;
  request r;
  framing how;
  std::vector<field> storage;
};

parsed parse(std::string_view text, head_limits limits = {}) {
  parsed p;
  p.storage.resize(limits.fields);
  auto const made = parse_head(text, limits, p.storage, p.r, p.how);
  p.outcome = made.outcome;
  p.length = made.length;
  return p;
}

// The bytes are copied to the end of a heap block of their own, so that a read beyond them is caught.
head_outcome outcome_of(std::string_view text, head_limits limits = {}) {
  std::vector<char> const exact(text.begin(), text.end());
  return parse({exact.data(), exact.size()}, limits).outcome;
}

std::string const full =
    "POST /v1/notes/7?sort=-id&q=%20x HTTP/1.1\r\nHost: example.org:8080\r\nContent-Length: 11\r\nX-Empty:\r\n"
    "Accept: */*  \r\nConnection: close\r\nExpect: 100-Continue\r\n\r\n";

}  // namespace

TEST(parser, understands_a_whole_head) {
  auto const text = full + "hello world";
  auto const p = parse(text);
  ASSERT_EQ(p.outcome, complete);
  EXPECT_EQ(p.length, full.size());
  EXPECT_EQ(p.r.verb, method::post);
  EXPECT_EQ(p.r.path, "/v1/notes/7");
  EXPECT_EQ(p.r.query, "sort=-id&q=%20x");
  EXPECT_EQ(p.r.host, "example.org:8080");
  EXPECT_EQ(p.r.fields.size(), 6u);
  EXPECT_EQ(p.r.header("accept"), "*/*");
  EXPECT_NE(p.r.header("x-empty").data(), nullptr);
  EXPECT_EQ(p.r.header("x-empty"), "");
  EXPECT_EQ(p.r.header("x-absent").data(), nullptr);
  EXPECT_EQ(p.how.content_length, 11u);
  EXPECT_FALSE(p.how.keep_alive);
  EXPECT_TRUE(p.how.expects_continue);
}

TEST(parser, every_prefix_of_a_good_head_is_incomplete) {
  for (auto const& text : {full, std::string{"GET http://a.example/x?y HTTP/1.0\r\n\r\n"},
                           std::string{"\r\nOPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"}}) {
    for (std::size_t n = 0; n < text.size(); ++n)
      EXPECT_EQ(outcome_of(text.substr(0, n)), incomplete) << text.substr(0, n);
    EXPECT_EQ(outcome_of(text), complete) << text;
  }
}

TEST(parser, refuses_what_two_parties_could_read_differently) {
  auto const host = std::string{"GET / HTTP/1.1\r\nHost: a\r\n"};
  for (auto const& text : {"GARBAGE\r\n\r\n",
                           "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                           " GET / HTTP/1.1\r\n\r\n",
                           "GET / HTTP/1.1\nHost: a\n\n",
                           "GET / HTTP/1.1\r\nHost: a\n\r\n",
                           "GET / HTTP/1.1\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
                           "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET /?a#f HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET / http/1.1\r\nHost: a\r\n\r\n",
                           "GET / HTTP/1.12\r\nHost: a\r\n\r\n",
                           "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"})
    EXPECT_EQ(outcome_of(text), malformed) << text;
  for (auto const& fields : {" X: folded\r\n",
                             "X: 1\r\n folded\r\n",
                             "X : 1\r\n",
                             "X y: 1\r\n",
                             ": 1\r\n",
                             "X\r\n",
                             "X: a\x01"
                             "b\r\n",
                             "X: a\rb\r\n",
                             "X: a\x7f\r\n",
                             "Content-Length: +5\r\n",
                             "Content-Length: 5, 5\r\n",
                             "Content-Length: 0x5\r\n",
                             "Content-Length: \r\n",
                             "Content-Length: -1\r\n",
                             "Content-Length: 5 5\r\n",
                             "Content-Length: 5\r\nContent-Length: 5\r\n",
                             "Content-Length: 9999999999999999999\r\n",
                             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked, chunked\r\n",
                             "Transfer-Encoding: chunked, gzip\r\n",
                             "Transfer-Encoding:\r\n",
                             "Transfer-Encoding: gzip,\r\n",
                             "tRANSFER-eNCODING: CHUNKED\r\nContent-length: 0\r\n"})
    EXPECT_EQ(outcome_of(host + fields + "\r\n"), malformed) << fields;
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"sv), malformed);
  EXPECT_EQ(outcome_of("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), malformed);
}

TEST(parser, says_what_is_malformed_without_a_word_of_the_input) {
  auto const why = [](std::string const& text) {
    head_limits const limits;
    std::vector<field> storage(limits.fields);
    request r;
    framing how;
    EXPECT_EQ(parse_head(text, limits, storage, r, how).outcome, malformed) << text;
    return std::string{why_malformed(text, limits, storage, r, how)};
  };
  auto const fields = [&](std::string const& lines) { return why("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"); };
  EXPECT_EQ(why("GET / HTTP/1.1\r\n\r\n"), "Host is missing.");
  EXPECT_EQ(fields("Host: b\r\n"), "There must be one Host.");
  EXPECT_EQ(fields("X: 1\r\n 2\r\n"), "A field must not go on in a second line.");
  EXPECT_EQ(fields("X : 1\r\n"), "The name of a field must be a token, with a colon right behind it.");
  EXPECT_EQ(fields("X: 1\n"), "Every line of the head must end with CRLF.");
  EXPECT_EQ(fields("X: a\x01\r\n"), "The value of a field must have no control character.");
  EXPECT_EQ(fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            "Transfer-Encoding must not stand beside Content-Length, nor in HTTP/1.0.");
  EXPECT_EQ(fields("Content-Length: 5\r\nContent-Length: 6\r\n"),
            "Content-Length must be one decimal number of at most 18 digits.");
  EXPECT_EQ(why("GET /a b HTTP/1.1\r\n\r\n"),
            "The first line must be a method, a target and HTTP/1.1, with one space between them and CRLF at the end.");
}

TEST(parser, tells_apart_why_it_refuses) {
  EXPECT_EQ(outcome_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), version_not_supported);
  EXPECT_EQ(outcome_of("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), not_implemented);
  EXPECT_EQ(outcome_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), not_implemented);
  EXPECT_EQ(outcome_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"), not_implemented);
  EXPECT_EQ(outcome_of(std::string(33, 'A') + " / HTTP/1.1\r\n\r\n"), not_implemented);
  EXPECT_EQ(outcome_of("GET /" + std::string(40, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", {.uri = 40}), uri_too_long);
  EXPECT_EQ(outcome_of("GET /" + std::string(40, 'a'), {.uri = 40}), uri_too_long);
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n", {.fields = 2}), head_too_large);
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(100, 'x'), {.head = 100}), head_too_large);
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(100, 'x') + "\r\n\r\n", {.head = 100}),
            head_too_large);
}

TEST(parser, knows_when_the_connection_stays) {
  auto const keeps = [](std::string const& version, std::string const& connection) {
    return parse("GET / HTTP/" + version + "\r\nHost: a\r\n" + connection + "\r\n").how.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: TE , Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_TRUE(keeps("1.9", ""));
}

TEST(parser, takes_the_host_of_an_absolute_target) {
  auto const text = std::string{"GET HTTPS://Other.example:8443?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"};
  auto const p = parse(text);
  ASSERT_EQ(p.outcome, complete);
  EXPECT_EQ(p.r.host, "Other.example:8443");
  EXPECT_EQ(p.r.path, "/");
  EXPECT_EQ(p.r.query, "x=1");
}

TEST(parser, accepts_hosts_of_every_length_and_shape) {
  for (std::size_t n = 1; n < 40; ++n)
    for (std::string const port : {"", ":", ":1", ":65535"})
      EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: " + std::string(n, 'h') + port + "\r\n\r\n"), complete)
          << n << port;
  for (std::string const bad : {"a_\"", "a\\b", "a,b", "a<b", "a:8o", "a:1:1", "a:111111"})
    for (std::size_t n = 0; n < 20; ++n)
      EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nHost: " + std::string(n, 'h') + bad + "\r\n\r\n"), malformed) << n << bad;
}
