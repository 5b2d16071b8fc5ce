#include <slipway/content/cookies.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

TEST(cookies, are_found) {
  call c{http::method::get, {{"Cookie", "a=1; session=tok==; b=\"q\"; a=2;c=3"}, {"cookie", "late=x"}, {"X", "y=z"}}};
  auto const& r = c.x.request;
  EXPECT_EQ(find_cookie(r, "a"), "1");
  EXPECT_EQ(find_cookie(r, "session"), "tok==");
  EXPECT_EQ(find_cookie(r, "b"), "\"q\"");
  EXPECT_EQ(find_cookie(r, "c"), "3");
  EXPECT_EQ(find_cookie(r, "late"), "x");
  EXPECT_EQ(find_cookie(r, "Session"), std::nullopt) << "names have a case";
  EXPECT_EQ(find_cookie(r, "y"), std::nullopt);
  call odd{http::method::get, {{"Cookie", "=x; novalue; ; empty=; __Host-a=1"}}};
  EXPECT_EQ(find_cookie(odd.x.request, ""), std::nullopt);
  EXPECT_EQ(find_cookie(odd.x.request, "novalue"), std::nullopt);
  EXPECT_EQ(find_cookie(odd.x.request, "empty"), "");
  EXPECT_EQ(find_cookie(odd.x.request, "__host-a"), std::nullopt);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "x=1; ";
  many += "z=1";
  call flood{http::method::get, {{"Cookie", many}}};
  EXPECT_EQ(find_cookie(flood.x.request, "z"), std::nullopt);
}

TEST(cookies, are_set) {
  EXPECT_EQ(to_set_cookie({.name = "__Host-session", .value = "abc"}),
            "__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(to_set_cookie({.name = "a",
                           .value = "b",
                           .path = "/x",
                           .domain = "example.com",
                           .max_age = std::chrono::hours{1},
                           .site = same_site::strict,
                           .secure = false,
                           .http_only = false}),
            "a=b; Path=/x; Domain=example.com; Max-Age=3600; SameSite=Strict");
  EXPECT_EQ(to_set_cookie({.name = "a", .value = "", .site = same_site::none, .partitioned = true}),
            "a=; Path=/; Secure; HttpOnly; SameSite=None; Partitioned");
  EXPECT_NE(to_set_cookie({.name = "a", .max_age = std::chrono::hours{24 * 4000}}).find("Max-Age=34560000;"),
            std::string::npos);
  EXPECT_EQ(to_expired_cookie({.name = "a", .value = "b"}),
            "a=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax");
  call c;
  set_cookie(c.x, {.name = "a", .value = "1"});
  set_cookie(c.x, {.name = "b", .value = "2"});
  EXPECT_EQ(c.sent("Set-Cookie"),
            "a=1; Path=/; Secure; HttpOnly; SameSite=Lax | b=2; Path=/; Secure; HttpOnly; SameSite=Lax");
}

TEST(cookies, refuse_injection_and_broken_promises) {
  std::string const huge(4096, 'x');
  for (auto const& bad : std::vector<cookie>{{.name = ""},
                                             {.name = "a b"},
                                             {.name = "a;b"},
                                             {.name = "a=b"},
                                             {.name = "a\r\n"},
                                             {.name = "a", .value = "x; Domain=evil"},
                                             {.name = "a", .value = "x\r\nSet-Cookie: y"},
                                             {.name = "a", .value = "x y"},
                                             {.name = "a", .value = "\"x\""},
                                             {.name = "a", .value = "\xc3\xa9"},
                                             {.name = "a", .value = huge},
                                             {.name = "a", .path = "x"},
                                             {.name = "a", .path = "/;x"},
                                             {.name = "a", .path = ""},
                                             {.name = "a", .domain = "a;b"},
                                             {.name = "a", .domain = "a b"},
                                             {.name = "a",
                                              .domain = "."
                                                        "\n"},
                                             {.name = "__Secure-a", .secure = false},
                                             {.name = "__secure-a", .secure = false},
                                             {.name = "__Host-a", .path = "/x"},
                                             {.name = "__Host-a", .domain = "x.org"},
                                             {.name = "__HOST-a", .secure = false},
                                             {.name = "__Http-a", .http_only = false},
                                             {.name = "__Host-Http-a", .http_only = false},
                                             {.name = "a", .site = same_site::none, .secure = false},
                                             {.name = "a", .secure = false, .partitioned = true}})
    EXPECT_THROW(to_set_cookie(bad), std::invalid_argument)
        << bad.name << '|' << bad.value << '|' << bad.path << '|' << bad.domain;
}

}  // namespace
}  // namespace slipway::content
