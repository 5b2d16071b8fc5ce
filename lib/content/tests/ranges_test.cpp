#include <slipway/content/ranges.hpp>
#include <slipway/content/representation.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

using enum range_choice::kind;

TEST(ranges, are_chosen) {
  struct row {
    char const* field;
    range_choice::kind what;
    std::vector<byte_range> ranges;
  };
  // Of 10,000 bytes, as in RFC 9110, section 14.1.2.
  for (auto const& [field, what, expected] :
       std::vector<row>{{"bytes=0-499", partial, {{0, 500}}},
                        {"bytes=500-999", partial, {{500, 500}}},
                        {"bytes=-500", partial, {{9500, 500}}},
                        {"bytes=9500-", partial, {{9500, 500}}},
                        {"bytes=0-0,-1", partial, {{0, 1}, {9999, 1}}},
                        {"bytes= 0-999, 4500-5499, -1000", partial, {{0, 1000}, {4500, 1000}, {9000, 1000}}},
                        {"bytes=500-600,601-999", partial, {{500, 101}, {601, 399}}},
                        {"bytes=601-999,500-600", partial, {{601, 399}, {500, 101}}},
                        {"bytes=0-20000", partial, {{0, 10000}}},
                        {"bytes=-20000", partial, {{0, 10000}}},
                        {"BYTES=0-0", partial, {{0, 1}}},
                        {"bytes=0-99999999999999999999999999", partial, {{0, 10000}}},
                        {"bytes=0-0,20000-", partial, {{0, 1}}},
                        {"bytes=10000-", unsatisfiable, {}},
                        {"bytes=99999999999999999999-", unsatisfiable, {}},
                        {"bytes=-0", unsatisfiable, {}},
                        {"bytes=500-700,601-999", unsatisfiable, {}},
                        {"bytes=0-,0-,0-", unsatisfiable, {}},
                        {"bytes=-1,9999-9999", unsatisfiable, {}},
                        {"bytes=5-4", whole, {}},
                        {"bytes=a-b", whole, {}},
                        {"bytes=", whole, {}},
                        {"bytes", whole, {}},
                        {"bytes=-", whole, {}},
                        {"bytes=1", whole, {}},
                        {"bytes=--1", whole, {}},
                        {"bytes=0x1-2", whole, {}},
                        {"items=0-5", whole, {}},
                        {"bytes=+1-2", whole, {}},
                        {"", whole, {}},
                        {"bytes=1 - 2", whole, {}},
                        {"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", whole, {}}}) {
    auto const choice = choose_ranges(field, 10'000);
    EXPECT_EQ(choice.what, what) << field;
    EXPECT_EQ(choice.ranges, expected) << field;
  }
  EXPECT_EQ(choose_ranges({}, 10).what, whole);
  EXPECT_EQ(choose_ranges("bytes=0-", 0).what, unsatisfiable);
  EXPECT_EQ(choose_ranges("bytes=0-", ~0ull).ranges, (std::vector<byte_range>{{0, ~0ull}}));
}

TEST(ranges, if_range) {
  std::chrono::sys_seconds const moment{std::chrono::seconds{784'111'777}};
  validators const now{"\"a\"", moment};
  EXPECT_TRUE(if_range_holds({}, now));
  EXPECT_TRUE(if_range_holds("\"a\"", now));
  EXPECT_TRUE(if_range_holds("Sun, 06 Nov 1994 08:49:37 GMT", now));
  for (auto text : {"\"b\"", "W/\"a\"", "Sun, 06 Nov 1994 08:49:38 GMT", "", "a", "*"})
    EXPECT_FALSE(if_range_holds(text, now)) << text;
  EXPECT_FALSE(if_range_holds("W/\"a\"", {"W/\"a\""}));
}

representation letters() {
  return {.bytes = make_static_bytes("abcdefghijklmnopqrstuvwxyz"),
          .size = 26,
          .type = "text/plain",
          .now = {.etag = "\"l\""}};
}

TEST(representation, whole_and_parts) {
  call all;
  serve(all.x, letters(), {});
  EXPECT_EQ(all.x.response.status, 200);
  EXPECT_EQ(body_of(all.x), "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(all.sent("Accept-Ranges"), "bytes");

  call one{http::method::get, {{"Range", "bytes=2-4"}}};
  serve(one.x, letters(), {});
  EXPECT_EQ(one.x.response.status, 206);
  EXPECT_EQ(one.sent("Content-Range"), "bytes 2-4/26");
  EXPECT_EQ(body_of(one.x), "cde");

  call two{http::method::get, {{"Range", "bytes=0-1,-2"}}};
  serve(two.x, letters(), {});
  EXPECT_EQ(two.x.response.status, 206);
  std::string_view const type = two.x.response.content_type;
  ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary="));
  std::string const b{type.substr(type.find('=') + 1)};
  EXPECT_EQ(body_of(two.x), "--" + b + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/26\r\n\r\nab\r\n--" +
                                b + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 24-25/26\r\n\r\nyz\r\n--" +
                                b + "--\r\n");
  EXPECT_EQ(two.sent("Content-Range"), "");
}

TEST(representation, refusals_and_conditions) {
  call beyond{http::method::get, {{"Range", "bytes=26-"}}};
  serve(beyond.x, letters(), {});
  EXPECT_EQ(beyond.x.response.status, 416);
  EXPECT_EQ(beyond.sent("Content-Range"), "bytes */26");
  EXPECT_EQ(beyond.x.response.content_type, "application/problem+json");

  call changed{http::method::get, {{"Range", "bytes=0-1"}, {"If-Range", "\"old\""}}};
  serve(changed.x, letters(), {});
  EXPECT_EQ(changed.x.response.status, 200);

  call fresh{http::method::get, {{"Range", "bytes=0-1"}, {"If-None-Match", "\"l\""}}};
  serve(fresh.x, letters(), {});
  EXPECT_EQ(fresh.x.response.status, 304);
  EXPECT_TRUE(body_of(fresh.x).empty());

  call stale{http::method::get, {{"If-Match", "\"x\""}}};
  serve(stale.x, letters(), {});
  EXPECT_EQ(stale.x.response.status, 412);

  call head{http::method::head, {{"Range", "bytes=0-1"}}};
  serve(head.x, letters(), {});
  EXPECT_EQ(head.x.response.status, 200) << "Range is for GET alone";

  call own;
  serve(own.x, {.bytes = make_owned_bytes("mine"), .size = 4, .type = "text/plain"}, {});
  EXPECT_EQ(body_of(own.x), "mine");
  call empty;
  serve(empty.x, {.bytes = make_owned_bytes(""), .size = 0, .type = "text/plain"}, {});
  EXPECT_EQ(body_of(empty.x), "");
}

}  // namespace
}  // namespace slipway::content
