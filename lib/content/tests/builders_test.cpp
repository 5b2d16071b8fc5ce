#include <slipway/content/builders.hpp>
#include <slipway/content/security_headers.hpp>
#include <slipway/core/errors.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

TEST(builders, links) {
  links l;
  EXPECT_TRUE(l.empty());
  l.add("/v1/notes?cursor=a%20b", "next")
      .add("https://example.com/", "describedby", {.title = "A \"title\"", .type = "text/html"})
      .add("/x", "alternate", {.title = "\xc3\xa9t\xc3\xa9"});
  EXPECT_EQ(l.text(),
            "</v1/notes?cursor=a%20b>; rel=\"next\", <https://example.com/>; rel=\"describedby\"; title=\"A "
            "\\\"title\\\"\"; type=\"text/html\", "
            "</x>; rel=\"alternate\"; title*=UTF-8''%C3%A9t%C3%A9");
  for (auto bad : {"a b", "a>b", "a\r\nb", "\xc3\xa9", "a\"b"})
    EXPECT_THROW(l.add(bad, "next"), std::invalid_argument) << bad;
  EXPECT_THROW(l.add("/", "ne\nxt"), std::invalid_argument);
  EXPECT_THROW(l.add("/", ""), std::invalid_argument);
  EXPECT_THROW(l.add("/", "x", {.title = "a\nb"}), std::invalid_argument);
}

TEST(builders, cache_control) {
  using std::chrono::seconds;
  EXPECT_EQ(cache_control{}.text(), "");
  EXPECT_EQ((cache_control{.no_store = true}.text()), "no-store");
  EXPECT_EQ((cache_control{.is_public = true, .immutable = true, .max_age = seconds{31'536'000}}.text()),
            "public, max-age=31536000, immutable");
  EXPECT_EQ((cache_control{.is_private = true,
                           .must_revalidate = true,
                           .max_age = seconds{-5},
                           .s_maxage = seconds{1},
                           .stale_while_revalidate = seconds{2},
                           .stale_if_error = seconds{3}}
                 .text()),
            "private, max-age=0, s-maxage=1, must-revalidate, stale-while-revalidate=2, stale-if-error=3");
}

TEST(builders, rate_limit) {
  EXPECT_EQ(rate_limit_policy("default", 100, std::chrono::minutes{1}), "\"default\";q=100;w=60");
  EXPECT_EQ(rate_limit_state("default", 50, std::chrono::seconds{30}), "\"default\";r=50;t=30");
}

TEST(security_headers, depend_on_the_connection_and_the_page) {
  auto layer = make_security_headers();
  call plain;
  layer->after(plain.x);
  EXPECT_EQ(plain.sent("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(plain.sent("X-Frame-Options"), "DENY");
  EXPECT_EQ(plain.sent("Content-Security-Policy"),
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
  EXPECT_EQ(plain.sent("Cross-Origin-Resource-Policy"), "same-origin");
  EXPECT_EQ(plain.sent("Strict-Transport-Security"), "");
  for (auto name : {"Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy"})
    EXPECT_EQ(plain.sent(name), "") << "for documents alone";
  EXPECT_EQ(plain.x.response.field_count, 1u) << "one block";
  call secure;
  secure.x.request.peer.secure = true;
  secure.x.response.add("Content-Security-Policy", "default-src 'self'");
  layer->after(secure.x);
  EXPECT_EQ(secure.sent("Strict-Transport-Security"), "max-age=31536000; includeSubDomains");
  EXPECT_EQ(secure.sent("Content-Security-Policy"), "default-src 'self'");
}

TEST(security_headers, documents_have_more_of_them) {
  auto layer = make_security_headers();
  for (auto type : {"text/html; charset=utf-8", "image/svg+xml", "application/xhtml+xml", "application/xml"}) {
    call c;
    c.x.response.content_type = type;
    layer->after(c.x);
    EXPECT_EQ(c.sent("Referrer-Policy"), "no-referrer") << type;
    EXPECT_EQ(c.sent("Cross-Origin-Opener-Policy"), "same-origin") << type;
    EXPECT_NE(c.sent("Permissions-Policy"), "") << type;
  }
  for (auto type : {"application/json", "application/problem+json", "text/plain", "image/png"}) {
    call c;
    c.x.response.content_type = type;
    layer->after(c.x);
    EXPECT_EQ(c.sent("Referrer-Policy"), "") << type;
    EXPECT_EQ(c.sent("X-Content-Type-Options"), "nosniff") << type;
  }
}

TEST(security_headers, settings) {
  auto layer = make_security_headers({.frame_options = "", .hsts_max_age = std::chrono::seconds{0}});
  call c;
  c.x.request.peer.secure = true;
  layer->after(c.x);
  EXPECT_EQ(c.sent("X-Frame-Options"), "");
  EXPECT_EQ(c.sent("Strict-Transport-Security"), "");
  EXPECT_THROW(make_security_headers({.referrer_policy = "x\r\nEvil: y"}), startup_error);
}

}  // namespace
}  // namespace slipway::content
