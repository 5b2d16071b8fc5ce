#include <slipway/content/conditional.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

using enum verdict;
constexpr auto date = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr auto earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr auto later = "Sunday, 06-Nov-94 08:49:38 GMT";  // an obsolete form must be read too
std::chrono::sys_seconds const moment{std::chrono::seconds{784'111'777}};

validators strong() { return {"\"a\"", moment, true}; }

TEST(etag, parses) {
  EXPECT_EQ(entity_tag::parse("\"x\"")->opaque, "\"x\"");
  EXPECT_TRUE(entity_tag::parse("W/\"x\"")->weak);
  EXPECT_TRUE(entity_tag::parse("\"\""));
  for (auto text : {"", "x", "\"x", "x\"", "w/\"x\"", "W/x", "\"a\"b\"", "\"a b\"", "\"", "W/\""})
    EXPECT_FALSE(entity_tag::parse(text)) << text;
}

// The table of RFC 9110, section 8.8.3.2.
TEST(etag, compares) {
  auto const w1 = *entity_tag::parse("W/\"1\""), w2 = *entity_tag::parse("W/\"2\""), s1 = *entity_tag::parse("\"1\"");
  EXPECT_FALSE(strong_match(w1, w1));
  EXPECT_TRUE(weak_match(w1, w1));
  EXPECT_FALSE(strong_match(w1, w2) || weak_match(w1, w2));
  EXPECT_FALSE(strong_match(w1, s1));
  EXPECT_TRUE(weak_match(w1, s1));
  EXPECT_TRUE(strong_match(s1, s1) && weak_match(s1, s1));
}

TEST(etag, from_bytes) {
  EXPECT_EQ(make_etag("abc"), make_etag("abc"));
  EXPECT_NE(make_etag("abc"), make_etag("abd"));
  EXPECT_EQ(make_etag("").size(), 24u);
  EXPECT_TRUE(entity_tag::parse(make_etag("abc")));
}

TEST(conditions, one_at_a_time) {
  struct row {
    preconditions p;
    verdict expected;
  };
  int number = 0;
  for (auto const& [p, expected] : {
           row{{}, proceed},
           row{{.if_match = "\"a\""}, proceed},
           row{{.if_match = "\"b\", \"a\""}, proceed},
           row{{.if_match = "\"b\""}, precondition_failed},
           row{{.if_match = "W/\"a\""}, precondition_failed},
           row{{.if_match = "*"}, proceed},
           row{{.if_match = ""}, precondition_failed},
           row{{.if_match = "garbage"}, precondition_failed},
           row{{.if_match = "\"a"}, precondition_failed},
           row{{.if_match = "\"b\" \"a\""}, precondition_failed},
           row{{.if_none_match = "\"a\""}, not_modified},
           row{{.if_none_match = "W/\"a\""}, not_modified},
           row{{.if_none_match = "\"b\""}, proceed},
           row{{.if_none_match = "*"}, not_modified},
           row{{.if_none_match = ",\"x,y\",  W/\"a\""}, not_modified},
           row{{.if_none_match = "nonsense"}, proceed},
           row{{.if_none_match = "\"a\"", .read = false}, precondition_failed},
           row{{.if_none_match = "*", .read = false}, precondition_failed},
           row{{.if_none_match = "\"b\"", .read = false}, proceed},
           row{{.if_none_match = "nonsense", .read = false}, precondition_failed},
           row{{.if_modified_since = date}, not_modified},
           row{{.if_modified_since = later}, not_modified},
           row{{.if_modified_since = earlier}, proceed},
           row{{.if_modified_since = "yesterday"}, proceed},
           row{{.if_modified_since = date, .read = false}, proceed},
           row{{.if_unmodified_since = date}, proceed},
           row{{.if_unmodified_since = earlier}, precondition_failed},
           row{{.if_unmodified_since = "soon"}, proceed},
           // Precedence.
           row{{.if_match = "\"a\"", .if_unmodified_since = earlier}, proceed},
           row{{.if_match = "\"a\"", .if_none_match = "\"a\""}, not_modified},
           row{{.if_none_match = "\"b\"", .if_modified_since = date}, proceed},
           row{{.if_match = "\"b\"", .if_none_match = "\"a\""}, precondition_failed},
           row{{.if_modified_since = date, .if_unmodified_since = earlier}, precondition_failed},
       }) {
    EXPECT_EQ(evaluate(p, strong()), expected) << "row " << number;
    ++number;
  }
}

TEST(conditions, of_what_does_not_exist_or_has_no_validators) {
  validators const absent{.exists = false};
  EXPECT_EQ(evaluate({.if_match = "*", .read = false}, absent), precondition_failed);
  EXPECT_EQ(evaluate({.if_none_match = "*", .read = false}, absent), proceed);
  validators const bare{};
  EXPECT_EQ(evaluate({.if_match = "\"a\""}, bare), precondition_failed);
  EXPECT_EQ(evaluate({.if_none_match = "\"a\""}, bare), proceed);
  EXPECT_EQ(evaluate({.if_unmodified_since = earlier}, bare), proceed);
  EXPECT_EQ(evaluate({.if_match = "\"a\""}, {.etag = "W/\"a\""}), precondition_failed);
}

TEST(conditions, answers) {
  call c{http::method::get, {{"If-None-Match", "\"b\""}, {"If-None-Match", "\"a\""}}};
  EXPECT_FALSE(apply_conditions(c.x, strong()));
  EXPECT_EQ(c.x.response.status, 304);
  EXPECT_EQ(c.sent("ETag"), "\"a\"");
  EXPECT_EQ(c.sent("Last-Modified"), date);
  call put{http::method::put, {{"If-Match", "\"old\""}}};
  EXPECT_FALSE(apply_conditions(put.x, strong()));
  EXPECT_EQ(put.x.response.status, 412);
  call plain;
  EXPECT_TRUE(apply_conditions(plain.x, strong()));
  EXPECT_EQ(plain.x.response.status, 200);
}

}  // namespace
}  // namespace slipway::content
