#include <slipway/http/render.hpp>

#include <gtest/gtest.h>

using namespace slipway::http;

namespace {

std::string rendered(response const& r, head_choice how = {}) {
  head_start start;
  start.refresh(784'111'777);
  bytes out;
  render_head(out, start, r, how);
  return std::string{out.view()};
}

}  // namespace

TEST(render, writes_a_head) {
  response r;
  r.content_type = "text/plain";
  r.body = "hello";
  r.add("X-One", "1");
  r.add_block("X-Two: 2\r\nX-Three: 3\r\n");
  EXPECT_EQ(
      rendered(r),
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
      "X-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\n\r\n");
  EXPECT_EQ(r.header("x-one"), "1");
  EXPECT_EQ(r.header("x-three"), "3");
  EXPECT_EQ(r.header("x-four").data(), nullptr);
}

TEST(render, says_how_the_body_ends) {
  response r;
  r.status = 404;
  r.stream_length = 12'345;
  EXPECT_NE(rendered(r, {.form = body_form::counted}).find("HTTP/1.1 404 Not Found\r\n"), std::string::npos);
  EXPECT_NE(rendered(r, {.form = body_form::counted}).find("Content-Length: 12345\r\n"), std::string::npos);
  EXPECT_NE(rendered(r, {.form = body_form::chunked}).find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  auto const to_end = rendered(r, {.form = body_form::to_end, .keep_alive = false, .minor_version = 0});
  EXPECT_EQ(to_end.find("Content-Length"), std::string::npos);
  EXPECT_EQ(to_end.find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(to_end.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(rendered(r, {.keep_alive = true, .minor_version = 0}).find("Connection: keep-alive\r\n"),
            std::string::npos);
}

#ifndef NDEBUG
TEST(render, a_field_that_would_split_the_response_is_a_bug) {
  response r;
  EXPECT_DEATH(r.add("X", "a\r\nSet-Cookie: b"), "control characters");
  EXPECT_DEATH(r.add("X:", "a"), "token");
  EXPECT_DEATH(r.add("content-length", "5"), "server's own");
}
#endif
